import type { RepositoryOfTask } from '../domain/task-repository.ts';
import { sql, type Db } from './database.ts';

/** How the table names the first repository. */
const FIRST = '';

/**
 * Notes that a task pushes a commit to a ref of one of its repositories. `kept`: the commits of others that it contains
 * and that were on the ref before. False: the task has pushed it there before.
 */
export function insertTaskPush(
  db: Db,
  { task_id, key }: RepositoryOfTask,
  { ref, commit, kept }: { ref: string; commit: string; kept: string[] },
): boolean {
  const text = `INSERT OR IGNORE INTO task_pushes (task_id, repository, ref, commit_id, kept)
     SELECT id, ?, ?, ?, ? FROM tasks WHERE id = ?`;
  const insert = (one: string) => sql(db, text).run(key ?? FIRST, ref, commit, one, task_id).changes === 1;
  const is_new = insert('');
  for (const one of kept) insert(one);
  return is_new;
}

/** Forgets a push that the repository has refused. */
export function deleteTaskPush(
  db: Db,
  { task_id, key }: RepositoryOfTask,
  { ref, commit }: { ref: string; commit: string },
): void {
  const text = 'DELETE FROM task_pushes WHERE task_id = ? AND repository = ? AND ref = ? AND commit_id = ?';
  sql(db, text).run(task_id, key ?? FIRST, ref, commit);
}

/** Whether a worker of the task began to push anything to any of its repositories, and was not refused. */
export function hasBegunPush(db: Db, task_id: string): boolean {
  return sql(db, 'SELECT 1 FROM task_pushes WHERE task_id = ? LIMIT 1').get(task_id) !== undefined;
}

/** The same for one ref of one of them. */
export function hasBegunPushTo(db: Db, { task_id, key }: RepositoryOfTask, ref: string): boolean {
  const text = `SELECT 1 FROM task_pushes WHERE task_id = ? AND repository = ? AND ref IN ('', ?) LIMIT 1`;
  return sql(db, text).get(task_id, key ?? FIRST, ref) !== undefined;
}

/**
 * The commits of others that a commit took along when the task pushed it to this ref. Undefined: the task has not
 * pushed it there.
 */
export function findKeptCommits(
  db: Db,
  { task_id, key }: RepositoryOfTask,
  { ref, commit }: { ref: string; commit: string },
): string[] | undefined {
  const rows = sql<{ kept: string }>(
    db,
    `SELECT DISTINCT kept FROM task_pushes
     WHERE task_id = ? AND repository = ? AND ref IN ('', ?) AND commit_id = ?`,
  ).all(task_id, key ?? FIRST, ref, commit);
  return rows.length === 0 ? undefined : rows.map(({ kept }) => kept).filter((kept) => kept !== '');
}

/**
 * Whether a worker has said that it pushed this commit to one of its task's repositories. The table does not tell: it
 * has a push before it is made, and also where nobody knows whether it was.
 */
export function hasPushed(db: Db, { task_id, key }: RepositoryOfTask, commit: string): boolean {
  const text = `SELECT 1 FROM events INDEXED BY events_by_task
     WHERE task_id = ? AND seq IS NOT NULL AND type = 'branch.pushed'
       AND json_extract(body, '$.repository') IS ? AND json_extract(body, '$.commit') = ? LIMIT 1`;
  return sql(db, text).get(task_id, key, commit) !== undefined;
}
