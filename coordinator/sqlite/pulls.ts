import { PullAuthor, PullChecks, PullRequestState } from '../../protocol/pulls.ts';
import type { PullRow } from '../domain/pull.ts';
import { sql, type Db } from './database.ts';

type Stored = Omit<PullRow, 'draft' | 'checks' | 'conflicts' | 'state' | 'author' | 'wished_author'> & {
  draft: number;
  checks: string | null;
  conflicts: number;
  state: string;
  author: string;
  wished_author: string;
};

const fromStored = ({ draft, checks, conflicts, state, author, wished_author, ...row }: Stored): PullRow => ({
  ...row,
  draft: draft === 1,
  conflicts: conflicts === 1,
  checks: checks === null ? null : PullChecks.parse(JSON.parse(checks)),
  state: PullRequestState.parse(state),
  author: PullAuthor.parse(author),
  wished_author: PullAuthor.parse(wished_author),
});
const toStored = ({ draft, checks, conflicts, ...row }: PullRow): Stored => ({
  ...row,
  draft: draft ? 1 : 0,
  conflicts: conflicts ? 1 : 0,
  checks: checks && JSON.stringify(checks),
});

/** Adds a pull request. False: the branch has one that is open or being opened. */
export function insertPull(db: Db, pull: PullRow): boolean {
  const { changes } = sql(
    db,
    `INSERT INTO pulls (id, task_id, repo_url, origin, repository_id, owner, name, number, url, title, state, draft, author, wished_author, head_branch, head_commit,
       base_branch, checks, conflicts, rounds, told_commit, wished_at, problem, failures, next_look_at, created_at, updated_at)
     VALUES (:id, :task_id, :repo_url, :origin, :repository_id, :owner, :name, :number, :url, :title, :state, :draft, :author, :wished_author, :head_branch, :head_commit,
       :base_branch, :checks, :conflicts, :rounds, :told_commit, :wished_at, :problem, :failures, :next_look_at, :created_at, :updated_at)
     ON CONFLICT (task_id, repo_url, head_branch) WHERE state IN ('opening', 'open') DO NOTHING`,
  ).run(toStored(pull));
  return changes === 1;
}

/** Stores every field that can change. Read the row in the same transaction. */
export function updatePull(db: Db, pull: PullRow): void {
  sql(
    db,
    `UPDATE pulls SET repository_id = :repository_id, owner = :owner, name = :name, number = :number, url = :url, title = :title, state = :state,
       draft = :draft, author = :author, wished_author = :wished_author, head_commit = :head_commit, base_branch = :base_branch, checks = :checks, conflicts = :conflicts, told_commit = :told_commit, wished_at = :wished_at,
       problem = :problem, failures = :failures, next_look_at = :next_look_at, updated_at = :updated_at
     WHERE id = :id`,
  ).run(toStored(pull));
}

/** Counts one more round of work for a pull request, and returns the count. */
export function addRound(db: Db, id: string, at: string): number {
  const text = 'UPDATE pulls SET rounds = rounds + 1, updated_at = ? WHERE id = ? RETURNING rounds';
  return sql<{ rounds: number }>(db, text).get(at, id)?.rounds ?? 0;
}

/** Makes a pull request due, unless it is never asked for again. */
export function hurryPull(db: Db, id: string, now: string): void {
  sql(
    db,
    `UPDATE pulls SET next_look_at = :now WHERE id = :id AND (next_look_at > :now OR state IN ('opening', 'open'))`,
  ).run({ id, now });
}

/** Makes the pull requests of a person due that could not be read, or opened, at a forge. `origin`: its own. */
export function hurryPullsWithProblem(db: Db, user_id: string, origin: string, now: string): void {
  sql(
    db,
    `UPDATE pulls SET next_look_at = :now WHERE origin = :origin AND state IN ('opening', 'open') AND problem IS NOT NULL
       AND task_id IN (SELECT id FROM tasks WHERE user_id = :user_id)`,
  ).run({ user_id, origin, now });
}

/** The pull request with this id. */
export function findPull(db: Db, id: string): PullRow | undefined {
  const row = sql<Stored>(db, 'SELECT * FROM pulls WHERE id = ?').get(id);
  return row && fromStored(row);
}

/**
 * A pull request at a forge, for each task that took it up, the newest first. `repository_id`: the forge's own.
 */
export function listPullsAtNumber(db: Db, forge_id: string, repository_id: string, number: number): PullRow[] {
  return sql<Stored>(
    db,
    `SELECT pulls.* FROM forges JOIN pulls ON pulls.origin = forges.origin
     WHERE forges.id = ? AND repository_id = ? AND number = ? ORDER BY pulls.id DESC`,
  )
    .all(forge_id, repository_id, number)
    .map(fromStored);
}

/** All pull requests of a repository at a forge that may still change. */
export function listPullsAt(db: Db, forge_id: string, repository_id: string): PullRow[] {
  return sql<Stored>(
    db,
    `SELECT pulls.* FROM forges JOIN pulls ON pulls.origin = forges.origin
     WHERE forges.id = ? AND repository_id = ? AND state = 'open' ORDER BY pulls.id`,
  )
    .all(forge_id, repository_id)
    .map(fromStored);
}

/** The pull requests of a task, oldest first. */
export function listPullsOf(db: Db, task_id: string): PullRow[] {
  return sql<Stored>(db, 'SELECT * FROM pulls WHERE task_id = ? ORDER BY id').all(task_id).map(fromStored);
}

/** The pull requests of each of these tasks that has some, oldest first. */
export function pullsByTask(db: Db, task_ids: readonly string[]): Map<string, PullRow[]> {
  const rows = sql<Stored>(db, 'SELECT * FROM pulls WHERE task_id IN (SELECT value FROM json_each(?)) ORDER BY id').all(
    JSON.stringify(task_ids),
  );
  return Map.groupBy(rows.map(fromStored), ({ task_id }) => task_id);
}

/** The pull requests that are due at `now`, those that wait for longest first. `without`: the origins of forges. */
export function listDuePulls(db: Db, now: string, limit: number, without: string[]): PullRow[] {
  return sql<Stored>(
    db,
    `SELECT * FROM pulls WHERE next_look_at <= :now AND origin NOT IN (SELECT value FROM json_each(:without))
     ORDER BY next_look_at LIMIT :limit`,
  )
    .all({ now, limit, without: JSON.stringify(without) })
    .map(fromStored);
}

/** When the next pull request is due that is not due at `now`. Undefined: none is. */
export function nextPullDueAt(db: Db, now: string): string | undefined {
  const row = sql<{ at: string | null }>(db, 'SELECT min(next_look_at) AS at FROM pulls WHERE next_look_at > ?').get(
    now,
  );
  return row?.at ?? undefined;
}

/** Makes due at `now` what is due after `latest`. Returns how many. */
export function bringPullsForward(db: Db, latest: string, now: string): number {
  return sql(db, 'UPDATE pulls SET next_look_at = :now WHERE next_look_at > :latest').run({ latest, now }).changes;
}
