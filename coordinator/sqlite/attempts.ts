import type { TaskStatus } from '../../protocol/task.ts';
import type { AttemptRow } from '../domain/task.ts';
import { sql, type Db } from './database.ts';

type Stored = Omit<AttemptRow, 'warm'> & { warm: number };

const fromStored = (row: Stored): AttemptRow => ({ ...row, warm: row.warm === 1 });

export function insertAttempt(db: Db, attempt: AttemptRow): void {
  sql(
    db,
    `INSERT INTO attempts (task_id, n, status, reason, detail, runner, worker, warm, last_seq, started_at, ended_at)
     VALUES (:task_id, :n, :status, :reason, :detail, :runner, :worker, :warm, :last_seq, :started_at, :ended_at)`,
  ).run({ ...attempt, warm: attempt.warm ? 1 : 0 });
}

export function findAttempt(db: Db, task_id: string, n: number): AttemptRow | undefined {
  const row = sql<Stored>(db, 'SELECT * FROM attempts WHERE task_id = ? AND n = ?').get(task_id, n);
  return row && fromStored(row);
}

/** All attempts of a task, oldest first. */
export function listAttempts(db: Db, task_id: string): AttemptRow[] {
  return sql<Stored>(db, 'SELECT * FROM attempts WHERE task_id = ? ORDER BY n').all(task_id).map(fromStored);
}

/** All attempts under way, of any task. */
export function listLivingAttempts(db: Db): AttemptRow[] {
  return sql<Stored>(
    db,
    `SELECT attempts.* FROM tasks JOIN attempts ON attempts.task_id = tasks.id AND attempts.n = tasks.attempt
     WHERE tasks.status IN ('starting', 'running', 'waiting')`,
  )
    .all()
    .map(fromStored);
}

/** Those of the tasks' newest attempts that have ended, and whose worker is one of these. */
export function listEndedAttemptsOf(db: Db, workers: string[]): AttemptRow[] {
  // It reads the newest attempt of each task: not where there is nothing to be found.
  if (workers.length === 0) return [];
  return sql<Stored>(
    db,
    `SELECT attempts.* FROM attempts JOIN tasks ON tasks.id = attempts.task_id AND tasks.attempt = attempts.n
     WHERE attempts.worker IN (SELECT value FROM json_each(?)) AND attempts.status NOT IN ('starting', 'running')`,
  )
    .all(JSON.stringify(workers))
    .map(fromStored);
}

/** Marks a starting attempt as running. False: it was not starting. */
export function markAttemptRunning(db: Db, task_id: string, n: number): boolean {
  const { changes } = sql(
    db,
    `UPDATE attempts SET status = 'running' WHERE task_id = ? AND n = ? AND status = 'starting'`,
  ).run(task_id, n);
  return changes === 1;
}

/** Ends an attempt that is under way. False: it had ended. */
export function markAttemptEnded(
  db: Db,
  task_id: string,
  n: number,
  end: Pick<AttemptRow, 'reason' | 'detail'> & { status: 'succeeded' | 'failed' | 'cancelled'; at: string },
): boolean {
  const { changes } = sql(
    db,
    `UPDATE attempts SET status = :status, reason = :reason, detail = :detail, ended_at = :at
     WHERE task_id = :task_id AND n = :n AND status IN ('starting', 'running')`,
  ).run({ task_id, n, status: end.status, reason: end.reason, detail: end.detail, at: end.at });
  return changes === 1;
}

/** Gives an attempt that has not called yet to another worker; from then on the first one is refused. False: it has called, or has ended. */
export function replaceWorker(db: Db, task_id: string, n: number, from: string, to: string): boolean {
  const { changes } = sql(
    db,
    `UPDATE attempts SET worker = :to, warm = 0
     WHERE task_id = :task_id AND n = :n AND worker = :from AND status = 'starting' AND last_seq = 0`,
  ).run({ task_id, n, from, to });
  return changes === 1;
}

/** How an attempt and its task stand: what a callback is judged by. */
export type Standing = {
  user_id: string;
  status: TaskStatus;
  /** The task's newest attempt. */
  newest: number;
  cancel_reason: string | null;
  /** JSON. */
  waiting_for: string | null;
  /** JSON: the worker was silent until now. */
  silence: string | null;
  attempt_status: AttemptRow['status'];
  worker: string;
  last_seq: number;
  /** When the worker's own result came. */
  result_at: string | null;
};

type TaskPart = Pick<Standing, 'user_id' | 'status' | 'newest' | 'cancel_reason' | 'waiting_for' | 'silence'>;
type AttemptPart = Omit<Standing, keyof TaskPart>;

/** Undefined: there is no such attempt. Each callback asks for it, and two look-ups cost a quarter of what a join does. */
export function findStanding(db: Db, task_id: string, n: number): Standing | undefined {
  const attempt = sql<AttemptPart>(
    db,
    'SELECT status AS attempt_status, worker, last_seq, result_at FROM attempts WHERE task_id = ? AND n = ?',
  ).get(task_id, n);
  const task = sql<TaskPart>(
    db,
    'SELECT user_id, status, attempt AS newest, cancel_reason, waiting_for, silence FROM tasks WHERE id = ?',
  ).get(task_id);
  return attempt && task && { ...attempt, ...task };
}

/** Moves the count of an attempt's stored events on. */
export function updateLastSeq(db: Db, task_id: string, n: number, last_seq: number): void {
  sql(db, 'UPDATE attempts SET last_seq = :last_seq WHERE task_id = :task_id AND n = :n').run({ task_id, n, last_seq });
}

/** Notes that an attempt is ended by its worker's own result. */
export function markResultCame(db: Db, task_id: string, n: number, at: string): void {
  sql(db, 'UPDATE attempts SET result_at = :at WHERE task_id = :task_id AND n = :n').run({ task_id, n, at });
}
