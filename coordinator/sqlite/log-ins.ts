import { appendAudit } from './audit.ts';
import { sql, type Db } from './database.ts';

/** Deletes all log-ins, API tokens and one-time links, in the caller's transaction. */
export function deleteAllLogIns(db: Db): void {
  for (const table of ['refresh_tokens', 'api_tokens', 'link_codes']) sql(db, `DELETE FROM ${table}`).run();
}

/** Ends all log-ins before the server makes new keys: whoever removes keys that have leaked ends them by that. */
export function endAllLogIns(db: Db): void {
  db.transaction(() => {
    deleteAllLogIns(db);
    appendAudit(db, { action: 'keys.created' });
  }).immediate();
}
