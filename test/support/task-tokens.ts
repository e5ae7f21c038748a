import { join } from 'node:path';
import Database from 'better-sqlite3';
import { TaskTokens } from '../../coordinator/auth/task-tokens.ts';
import { readKeys } from '../../coordinator/base/keys.ts';
import { readMeta } from '../../coordinator/sqlite/meta.ts';

/** Issues and verifies task tokens as the server on this data folder does now. A restore changes the issuer. */
export function taskTokensOf(data_dir: string): TaskTokens {
  const db = new Database(join(data_dir, 'errand.db'), { readonly: true, fileMustExist: true });
  try {
    return new TaskTokens(readKeys(data_dir).task, readMeta(db, 'history'));
  } finally {
    db.close();
  }
}
