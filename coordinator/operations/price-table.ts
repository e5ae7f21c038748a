import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ConfigError, type Config, type GivenSettings } from '../base/config.ts';
import { Settings } from '../base/settings.ts';
import { sourcePath } from '../base/source-path.ts';
import { demoPrices, PriceTable, Prices } from '../domain/prices.ts';
import { errorCode } from '../base/error-code.ts';

const SHIPPED = sourcePath('coordinator/domain/prices.json');

/** What decides the prices. Without an API key only the demo model exists. */
type PriceSettings = Pick<Config, 'anthropic_api_key' | 'model' | 'prices_file'>;

/**
 * Reads the prices that ship with Errand. `file` is JSON of the same form; its entries override the shipped ones or add
 * to them. Throws a `ConfigError` if that file is missing or invalid.
 */
export function readPrices(file: string | undefined): Prices {
  const shipped = PriceTable.parse(JSON.parse(readFileSync(SHIPPED, 'utf8')));
  return new Prices(file === undefined ? shipped : { ...shipped, ...readTable(file) });
}

/** The prices of a server. Throws a `ConfigError` also if its model has none. */
export function serverPrices({ anthropic_api_key, model, prices_file }: PriceSettings): Prices {
  // Read without an API key too, so that an invalid file is always reported.
  const prices = readPrices(prices_file);
  if (anthropic_api_key === undefined) return demoPrices();
  if (prices.has(model)) return prices;
  throw new ConfigError(`ERRAND_MODEL is '${model}', which is not in the price table: add it with ERRAND_PRICES`);
}

/** What is wrong with the settings of prices, in words for the server's owner. */
export function priceFaults(given: GivenSettings): string[] {
  const file = Settings.shape.ERRAND_PRICES.safeParse(given['ERRAND_PRICES']);
  // Its form is wrong, which is said already.
  if (!file.success) return [];
  const anthropic_api_key = given['ANTHROPIC_API_KEY'] ?? given['CLAUDE_API_KEY'];
  const model = Settings.shape.ERRAND_MODEL.parse(given['ERRAND_MODEL']);
  try {
    serverPrices({ anthropic_api_key, model, prices_file: file.data });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return [error.message];
    throw error;
  }
}

function readTable(file: string): PriceTable {
  try {
    return PriceTable.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    const detail = error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : '';
    const missing = errorCode(error) === 'ENOENT';
    throw new ConfigError(
      missing
        ? `ERRAND_PRICES names a file that does not exist: ${file}`
        : `ERRAND_PRICES names a file that is not a price table: ${file}\n${detail}`,
    );
  }
}
