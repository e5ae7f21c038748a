import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ConfigError } from './config.ts';

const usd = z.number().nonnegative().max(10_000);
const rates = { input: usd, output: usd, cache_write_5m: usd, cache_write_1h: usd, cache_read: usd };

/** What a model costs, in US dollars for a million tokens. */
const Price = z.strictObject({
  ...rates,
  /** The rates of a whole request whose prompt (with what the cache wrote and read) is longer than so many tokens. */
  long_prompt: z.strictObject({ above_tokens: z.number().int().positive(), ...rates }).optional(),
});
export type Price = z.infer<typeof Price>;
const Table = z.record(z.string(), Price);

/** The tokens of one model request, each counted once. */
export type Tokens = {
  input: number;
  cache_write_5m: number;
  cache_write_1h: number;
  cache_read: number;
  output: number;
};

/** The name of the demo model, which costs nothing. */
export const DEMO_MODEL = 'demo';
const FREE: Price = { input: 0, output: 0, cache_write_5m: 0, cache_write_1h: 0, cache_read: 0 };

/** The price of each model that tasks may use here. */
export class Prices {
  readonly #table: ReadonlyMap<string, Price>;

  constructor(table: Record<string, Price>) {
    this.#table = new Map(Object.entries(table));
  }

  /** The price of a model, also by a name that ends in its date. Undefined: it has none, and must not be used, for it would cost nothing. */
  of(model: string): Price | undefined {
    return this.#table.get(model) ?? this.#table.get(model.replace(/-\d{8}$/, ''));
  }

  /** Whether a task may use this model. */
  has(model: string): boolean {
    return this.of(model) !== undefined;
  }
}

/** The prices that ship with Errand; `file`, JSON of the same form, changes and adds. Throws a `ConfigError` where that file is wrong. */
export function readPrices(file: string | undefined): Prices {
  const ours = Table.parse(JSON.parse(readFileSync(new URL('./prices.json', import.meta.url), 'utf8')));
  return new Prices(file === undefined ? ours : { ...ours, ...readTable(file) });
}

/** The prices of a server without a key: the demo model is all there is. */
export function demoPrices(): Prices {
  return new Prices({ [DEMO_MODEL]: FREE });
}

/** What so many tokens cost, in US dollars. */
export function costOf(price: Price, tokens: Tokens): number {
  const prompt = tokens.input + tokens.cache_write_5m + tokens.cache_write_1h + tokens.cache_read;
  const long = price.long_prompt;
  const rate = long && prompt > long.above_tokens ? long : price;
  const millionths =
    tokens.input * rate.input +
    tokens.cache_write_5m * rate.cache_write_5m +
    tokens.cache_write_1h * rate.cache_write_1h +
    tokens.cache_read * rate.cache_read +
    tokens.output * rate.output;
  return millionths / 1e6;
}

function readTable(file: string): Record<string, Price> {
  try {
    return Table.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    const words = error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : '';
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new ConfigError(
      missing
        ? `ERRAND_PRICES names a file that is not there: ${file}`
        : `ERRAND_PRICES names a file that is not a price table: ${file}\n${words}`,
    );
  }
}
