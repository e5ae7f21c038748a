import { TaskResult } from '../../protocol/task.ts';
import type { RepositoryOutcome, TaskRepositoryRow } from '../domain/task-repository.ts';
import { sql, type Db } from './database.ts';
import type { DiffRow } from './diffs.ts';

type Stored = Omit<TaskRepositoryRow, 'result'> & { result: string | null };

const COLUMNS =
  'task_id, n, key, repo_url, project_id, base_branch, work_branch, pushed_branch, approved_commit, held_commit, result';
const Outcome = TaskResult.omit({ summary: true });

function fromStored(row: Stored): TaskRepositoryRow {
  return { ...row, result: row.result === null ? null : Outcome.parse(JSON.parse(row.result)) };
}

/** A new repository of a task: nothing has been done in it. */
export type NewTaskRepository = Pick<
  TaskRepositoryRow,
  'task_id' | 'n' | 'key' | 'repo_url' | 'project_id' | 'base_branch' | 'work_branch'
>;

/** Adds a repository to a task. */
export function insertTaskRepository(db: Db, row: NewTaskRepository): void {
  sql(
    db,
    `INSERT INTO task_repositories (task_id, n, key, repo_url, project_id, base_branch, work_branch)
     VALUES (:task_id, :n, :key, :repo_url, :project_id, :base_branch, :work_branch)`,
  ).run(row);
}

/** The repositories of a task beside its first one, in their order. */
export function listTaskRepositories(db: Db, task_id: string): TaskRepositoryRow[] {
  return sql<Stored>(db, `SELECT ${COLUMNS} FROM task_repositories WHERE task_id = ? ORDER BY n`)
    .all(task_id)
    .map(fromStored);
}

/** Those of each of these tasks that has some. */
export function repositoriesByTask(db: Db, task_ids: readonly string[]): Map<string, TaskRepositoryRow[]> {
  const rows = sql<Stored>(
    db,
    `SELECT ${COLUMNS} FROM task_repositories WHERE task_id IN (SELECT value FROM json_each(?)) ORDER BY n`,
  ).all(JSON.stringify(task_ids));
  return Map.groupBy(rows.map(fromStored), ({ task_id }) => task_id);
}

/** One of them by its key. */
export function findTaskRepository(db: Db, task_id: string, key: string): TaskRepositoryRow | undefined {
  const row = sql<Stored>(db, `SELECT ${COLUMNS} FROM task_repositories WHERE task_id = ? AND key = ?`).get(
    task_id,
    key,
  );
  return row && fromStored(row);
}

/** Puts a further repository that has no project into one of its user. */
export function updateRepositoryProject(db: Db, task_id: string, key: string, project_id: string): void {
  sql(db, 'UPDATE task_repositories SET project_id = ? WHERE task_id = ? AND key = ?').run(project_id, task_id, key);
}

/** Stores the branch that is known to be in the repository. `at` is an ISO time. */
export function updateRepositoryBranch(db: Db, task_id: string, key: string, branch: string, at: string): void {
  sql(db, 'UPDATE task_repositories SET pushed_branch = ? WHERE task_id = ? AND key = ?').run(branch, task_id, key);
  touchTask(db, task_id, at);
}

/** Stores what was done in the repository, in place of an earlier result. `at` is an ISO time. */
export function putRepositoryResult(
  db: Db,
  task_id: string,
  key: string,
  result: RepositoryOutcome,
  { diff, truncated }: DiffRow,
  at: string,
): void {
  sql(
    db,
    `UPDATE task_repositories SET result = :result, diff = :diff, diff_truncated = :truncated, diff_approved = diff_approved AND diff = :diff
     WHERE task_id = :task_id AND key = :key`,
  ).run({ task_id, key, result: JSON.stringify(Outcome.parse(result)), diff, truncated: truncated ? 1 : 0 });
  touchTask(db, task_id, at);
}

/** The task itself has changed: clients ask for what did since a time. */
function touchTask(db: Db, task_id: string, at: string): void {
  sql(db, 'UPDATE tasks SET updated_at = ? WHERE id = ?').run(at, task_id);
}

/** The diff of the repository's newest result. Undefined: it has none. */
export function findRepositoryDiff(db: Db, task_id: string, key: string): DiffRow | undefined {
  const row = sql<{ diff: string; diff_truncated: number }>(
    db,
    'SELECT diff, diff_truncated FROM task_repositories WHERE task_id = ? AND key = ? AND diff IS NOT NULL',
  ).get(task_id, key);
  return row && { diff: row.diff, truncated: row.diff_truncated === 1 };
}

/** The diff of the repository's newest result, if its commit was approved when it was shown. */
export function findApprovedRepositoryDiff(db: Db, task_id: string, key: string): string | undefined {
  const text = 'SELECT diff FROM task_repositories WHERE task_id = ? AND key = ? AND diff_approved';
  return sql<{ diff: string }>(db, text).get(task_id, key)?.diff;
}

/** Stores the commit that may be pushed to the repository, and that its diff was shown for it. */
export function approveRepositoryCommit(db: Db, task_id: string, key: string, commit: string): void {
  const text = `UPDATE task_repositories SET approved_commit = ?, diff_approved = diff IS NOT NULL
     WHERE task_id = ? AND key = ?`;
  sql(db, text).run(commit, task_id, key);
}

/** Stores the newest commit whose push was refused because it was not approved. */
export function holdRepositoryCommit(db: Db, task_id: string, key: string, commit: string): void {
  sql(db, 'UPDATE task_repositories SET held_commit = ? WHERE task_id = ? AND key = ?').run(commit, task_id, key);
}

/** Forgets the commits that were refused in the attempt that has ended. */
export function releaseRepositoryCommits(db: Db, task_id: string): void {
  sql(db, 'UPDATE task_repositories SET held_commit = NULL WHERE task_id = ?').run(task_id);
}
