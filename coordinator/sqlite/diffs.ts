import { sql, type Db } from './database.ts';

/** A unified diff. `truncated`: it was cut to the limit of its size. */
export type DiffRow = { diff: string; truncated: boolean };

/** Stores the unified diff of a task's newest result in place of an older one. Another diff is not approved yet. */
export function putDiff(db: Db, task_id: string, { diff, truncated }: DiffRow): void {
  sql(
    db,
    `INSERT INTO diffs (task_id, diff, truncated) VALUES (?, ?, ?)
     ON CONFLICT (task_id) DO UPDATE SET
       diff = excluded.diff, truncated = excluded.truncated, approved = approved AND diff = excluded.diff`,
  ).run(task_id, diff, truncated ? 1 : 0);
}

/** The diff of the task's newest result. Undefined: it has no result yet. */
export function findDiff(db: Db, task_id: string): DiffRow | undefined {
  const row = sql<{ diff: string; truncated: number }>(db, 'SELECT diff, truncated FROM diffs WHERE task_id = ?').get(
    task_id,
  );
  return row && { diff: row.diff, truncated: row.truncated === 1 };
}

/** The diff of the task's newest result, if its commit was approved when it was shown. */
export function findApprovedDiff(db: Db, task_id: string): string | undefined {
  return sql<{ diff: string }>(db, 'SELECT diff FROM diffs WHERE task_id = ? AND approved').get(task_id)?.diff;
}
