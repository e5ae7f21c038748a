import { sql, type Db } from './database.ts';

/** An issue or pull request at a forge. `repository_id`: the forge's, which outlives a rename. */
export type ThreadKey = { forge_id: string; repository_id: string; number: number };

/** What was asked for at a forge, and the task that came of it. `source` names it, such as `comment:12`. */
export type ForgeRequest = ThreadKey & { source: string; user_id: string | null; task_id: string | null };

/** Whether this source has acted already. */
export function isRequestKnown(db: Db, { forge_id, repository_id }: ThreadKey, source: string): boolean {
  const text = 'SELECT 1 FROM forge_requests WHERE forge_id = ? AND repository_id = ? AND source = ?';
  return sql(db, text).get(forge_id, repository_id, source) !== undefined;
}

/** Notes that a source has acted. False: it had before. Call it in the transaction of what it leads to. */
export function insertRequest(db: Db, request: ForgeRequest, created_at: string): boolean {
  const { changes } = sql(
    db,
    `INSERT OR IGNORE INTO forge_requests (forge_id, repository_id, source, number, user_id, task_id, created_at)
     VALUES (:forge_id, :repository_id, :source, :number, :user_id, :task_id, :created_at)`,
  ).run({ ...request, created_at });
  return changes === 1;
}

/** The newest task that this person asked for in this issue or pull request, unless it is being deleted. */
export function findThreadTask(db: Db, thread: ThreadKey, user_id: string): string | undefined {
  return sql<{ task_id: string }>(
    db,
    `SELECT task_id FROM forge_requests WHERE forge_id = :forge_id AND repository_id = :repository_id
       AND number = :number AND user_id = :user_id AND task_id IS NOT NULL AND task_id NOT IN (SELECT id FROM removed)
     ORDER BY task_id DESC LIMIT 1`,
  ).get({ ...thread, user_id })?.task_id;
}

/** `user_id`: who asked for it; null: it followed by itself. `created_at`: when the task was told; an ISO time. */
export type ToldRequest = Pick<ForgeRequest, 'source' | 'user_id'> & { created_at: string };

/** What this task was told of an issue or pull request. */
export function listToldRequests(
  db: Db,
  { forge_id, repository_id, number }: ThreadKey,
  task_id: string,
): ToldRequest[] {
  return sql<ToldRequest>(
    db,
    `SELECT source, user_id, created_at FROM forge_requests
     WHERE forge_id = ? AND repository_id = ? AND number = ? AND task_id = ?`,
  ).all(forge_id, repository_id, number, task_id);
}
