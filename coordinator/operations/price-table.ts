import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ConfigError } from '../base/config.ts';
import { PriceTable, Prices } from '../domain/prices.ts';

const SHIPPED = new URL('../domain/prices.json', import.meta.url);

/**
 * Reads the prices that ship with Errand. `file` is JSON of the same form: its entries replace the shipped ones or add to them. Throws a
 * `ConfigError` that says what is wrong with that file.
 */
export function readPrices(file: string | undefined): Prices {
  const shipped = PriceTable.parse(JSON.parse(readFileSync(SHIPPED, 'utf8')));
  return new Prices(file === undefined ? shipped : { ...shipped, ...readTable(file) });
}

function readTable(file: string): PriceTable {
  try {
    return PriceTable.parse(JSON.parse(readFileSync(file, 'utf8')));
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
