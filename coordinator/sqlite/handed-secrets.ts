import { sql, type Db } from './database.ts';

/** Stores the secrets that the worker of a task has, sealed, in place of those it was handed before. */
export function putHandedSecrets(db: Db, task_id: string, sealed: string): void {
  const text =
    'INSERT INTO handed_secrets (task_id, sealed) VALUES (?, ?) ON CONFLICT DO UPDATE SET sealed = excluded.sealed';
  sql(db, text).run(task_id, sealed);
}

/** Undefined: the task has no worker that was handed any. */
export function findHandedSecrets(db: Db, task_id: string): string | undefined {
  return sql<{ sealed: string }>(db, 'SELECT sealed FROM handed_secrets WHERE task_id = ?').get(task_id)?.sealed;
}

export function deleteHandedSecrets(db: Db, task_id: string): void {
  sql(db, 'DELETE FROM handed_secrets WHERE task_id = ?').run(task_id);
}
