import { join } from 'node:path';
import Database from 'better-sqlite3';
import { setupCode } from '../../coordinator/auth/setup-code.ts';
import { readKeys } from '../../coordinator/base/keys.ts';
import { readMeta } from '../../coordinator/sqlite/meta.ts';

/** The code that the first account of the server on this data folder needs. The server has started at least once. */
export function setupCodeOf(data_dir: string): string {
  const db = new Database(join(data_dir, 'errand.db'), { readonly: true, fileMustExist: true });
  try {
    return setupCode(readKeys(data_dir), readMeta(db, 'instance'));
  } finally {
    db.close();
  }
}
