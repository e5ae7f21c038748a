import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ConfigError } from '../base/config.ts';
import { sourcePath } from '../base/source-path.ts';
import { PriceTable, Prices } from '../domain/prices.ts';

const SHIPPED = sourcePath('coordinator/domain/prices.json');

/**
 * Reads the prices that ship with Errand. `file` is JSON of the same form; its entries override the shipped ones or add
 * to them. Throws a `ConfigError` if that file is missing or invalid.
 */
export function readPrices(file: string | undefined): Prices {
  const shipped = PriceTable.parse(JSON.parse(readFileSync(SHIPPED, 'utf8')));
  return new Prices(file === undefined ? shipped : { ...shipped, ...readTable(file) });
}

function readTable(file: string): PriceTable {
  try {
    return PriceTable.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    const detail = error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : '';
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new ConfigError(
      missing
        ? `ERRAND_PRICES names a file that does not exist: ${file}`
        : `ERRAND_PRICES names a file that is not a price table: ${file}\n${detail}`,
    );
  }
}
