import { z } from 'zod';

const usd = z.number().nonnegative().max(10_000);
const rates = { input: usd, output: usd, cache_write_5m: usd, cache_write_1h: usd, cache_read: usd };

/** What a model costs, in US dollars for a million tokens. */
const Price = z.strictObject({
  ...rates,
  /** The rates of a request whose prompt (with cache writes and reads) is longer than `above_tokens`. */
  long_prompt: z.strictObject({ above_tokens: z.number().int().positive(), ...rates }).optional(),
});
export type Price = z.infer<typeof Price>;

/** US dollars for a million tokens of each kind. */
type Rates = Record<keyof typeof rates, number>;

/** Prices by model name. */
export const PriceTable = z.record(z.string(), Price);
export type PriceTable = z.infer<typeof PriceTable>;

/** The tokens of one model request, each counted once. */
export type Tokens = {
  input: number;
  cache_write_5m: number;
  cache_write_1h: number;
  cache_read: number;
  output: number;
};

/** A model's name without the date that it may end in. */
export function undated(model: string): string {
  return model.replace(/-\d{8}$/, '');
}

/** The name of the demo model, which costs nothing. */
export const DEMO_MODEL = 'demo';
const FREE: Price = { input: 0, output: 0, cache_write_5m: 0, cache_write_1h: 0, cache_read: 0 };

/** The price of each model that tasks may use on this server. */
export class Prices {
  readonly #table: ReadonlyMap<string, Price>;

  constructor(table: PriceTable) {
    this.#table = new Map(Object.entries(table));
  }

  /**
   * The price of a model; its name may end in a date. Undefined: there is none, and the model must not be used, since
   * its cost would be counted as 0.
   */
  of(model: string): Price | undefined {
    return this.#table.get(model) ?? this.#table.get(undated(model));
  }

  /** The names of the models, as they are in the table. */
  models(): string[] {
    return [...this.#table.keys()];
  }

  /** Whether a task may use this model. */
  has(model: string): boolean {
    return this.of(model) !== undefined;
  }
}

/** The prices of a server without an API key: only the demo model exists. */
export function demoPrices(): Prices {
  return new Prices({ [DEMO_MODEL]: FREE });
}

/** The highest rates of a prompt of up to this many tokens. */
export function ratesUpTo({ long_prompt: long, ...short }: Price, prompt_tokens: number): Rates {
  return !long || prompt_tokens <= long.above_tokens ? short : maxOf(short, long);
}

/** A price that no request exceeds which costs one of the two. */
export function higherPrice(one: Price, other: Price): Price {
  const short = maxOf(one, other);
  const longs = [one.long_prompt, other.long_prompt].filter((long) => long !== undefined);
  if (longs.length === 0) return short;
  const above_tokens = Math.min(...longs.map((long) => long.above_tokens));
  return { ...short, long_prompt: { above_tokens, ...longs.reduce<Rates>(maxOf, short) } };
}

function maxOf(one: Rates, other: Rates): Rates {
  return {
    input: Math.max(one.input, other.input),
    output: Math.max(one.output, other.output),
    cache_write_5m: Math.max(one.cache_write_5m, other.cache_write_5m),
    cache_write_1h: Math.max(one.cache_write_1h, other.cache_write_1h),
    cache_read: Math.max(one.cache_read, other.cache_read),
  };
}

/** The cost of these tokens, in US dollars. */
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
