import type { Task, TaskStatus } from '../../protocol/task.ts';
import type { AttemptRow } from '../domain/task.ts';
import { sql, type Db } from './database.ts';

type Stored = Omit<AttemptRow, 'warm' | 'takes_messages'> & { warm: number; takes_messages: number };

const fromStored = (row: Stored): AttemptRow => ({
  ...row,
  warm: row.warm === 1,
  takes_messages: row.takes_messages === 1,
});

/** Whether its worker takes messages with a call is known once it reports. */
type NewAttempt = Omit<AttemptRow, 'model' | 'image' | 'takes_messages'> & Partial<Pick<AttemptRow, 'model' | 'image'>>;

/** Adds an attempt. Throws SQLITE_CONSTRAINT_PRIMARYKEY if the task has one with this number. */
export function insertAttempt(db: Db, attempt: NewAttempt): void {
  sql(
    db,
    `INSERT INTO attempts (task_id, n, status, reason, detail, runner, worker, warm, image, last_seq, model, setup_command, verify_command,
       started_at, ended_at)
     VALUES (:task_id, :n, :status, :reason, :detail, :runner, :worker, :warm, :image, :last_seq, :model,
       :setup_command, :verify_command, :started_at, :ended_at)`,
  ).run({ model: null, image: null, ...attempt, warm: attempt.warm ? 1 : 0 });
}

/** Marks that the worker of an attempt takes each message with a call. */
export function markTakesMessages(db: Db, task_id: string, n: number): void {
  sql(db, 'UPDATE attempts SET takes_messages = 1 WHERE task_id = ? AND n = ?').run(task_id, n);
}

/** Undefined: the task has no attempt with this number, or was deleted. */
export function findAttempt(db: Db, task_id: string, n: number): AttemptRow | undefined {
  const row = sql<Stored>(db, 'SELECT * FROM attempts WHERE task_id = ? AND n = ?').get(task_id, n);
  return row && fromStored(row);
}

/** All attempts of a task, oldest first. */
export function listAttempts(db: Db, task_id: string): AttemptRow[] {
  return sql<Stored>(db, 'SELECT * FROM attempts WHERE task_id = ? ORDER BY n').all(task_id).map(fromStored);
}

/** How long the attempts of each of these tasks that has some were at work. If the clock was set back, no time. */
export function workByTask(db: Db, task_ids: readonly string[]): Map<string, NonNullable<Task['work']>> {
  const ms = `CAST(round((julianday(ended_at) - julianday(started_at)) * 86400000) AS INTEGER)`;
  const rows = sql<{ task_id: string; ms: number; since: string | null }>(
    db,
    `SELECT task_id, sum(CASE WHEN ended_at > started_at THEN ${ms} ELSE 0 END) AS ms,
       max(CASE WHEN ended_at IS NULL THEN started_at END) AS since
     FROM attempts WHERE task_id IN (SELECT value FROM json_each(?)) GROUP BY task_id`,
  ).all(JSON.stringify(task_ids));
  return new Map(rows.map(({ task_id, ...work }) => [task_id, work]));
}

/** The attempts of any task that have not ended. */
export function listActiveAttempts(db: Db): AttemptRow[] {
  return sql<Stored>(
    db,
    `SELECT attempts.* FROM tasks JOIN attempts ON attempts.task_id = tasks.id AND attempts.n = tasks.attempt
     WHERE tasks.status IN ('starting', 'running', 'waiting')`,
  )
    .all()
    .map(fromStored);
}

/** The statement of `listEndedAttemptsOf`; a test checks that it uses its index. */
export const LIST_ENDED_ATTEMPTS = `SELECT attempts.* FROM attempts INDEXED BY attempts_by_worker
   JOIN tasks ON tasks.id = attempts.task_id AND tasks.attempt = attempts.n
   WHERE attempts.worker IN (SELECT value FROM json_each(:workers)) AND attempts.status NOT IN ('starting', 'running')`;

/** The newest attempts of their tasks that have ended and whose worker is one of `workers`. */
export function listEndedAttemptsOf(db: Db, workers: string[]): AttemptRow[] {
  return sql<Stored>(db, LIST_ENDED_ATTEMPTS)
    .all({ workers: JSON.stringify(workers) })
    .map(fromStored);
}

/** Marks a starting attempt as running. False: its status was another. */
export function markAttemptRunning(db: Db, task_id: string, n: number): boolean {
  const { changes } = sql(
    db,
    `UPDATE attempts SET status = 'running' WHERE task_id = ? AND n = ? AND status = 'starting'`,
  ).run(task_id, n);
  return changes === 1;
}

/** Ends an attempt. `at` is an ISO time. False: it had ended before. */
export function markAttemptEnded(
  db: Db,
  task_id: string,
  n: number,
  end: Pick<AttemptRow, 'reason' | 'detail'> & { status: 'succeeded' | 'failed' | 'cancelled' | 'parked'; at: string },
): boolean {
  const { changes } = sql(
    db,
    `UPDATE attempts SET status = :status, reason = :reason, detail = :detail, ended_at = :at
     WHERE task_id = :task_id AND n = :n AND status IN ('starting', 'running')`,
  ).run({ task_id, n, status: end.status, reason: end.reason, detail: end.detail, at: end.at });
  return changes === 1;
}

/**
 * Moves a starting attempt from the worker `from` to the worker `to`; callbacks of `from` are refused from then on.
 * False: `from` has sent an event already, or the attempt has ended.
 */
export function replaceWorker(db: Db, task_id: string, n: number, from: string, to: string): boolean {
  const { changes } = sql(
    db,
    `UPDATE attempts SET worker = :to, warm = 0
     WHERE task_id = :task_id AND n = :n AND worker = :from AND status = 'starting' AND last_seq = 0`,
  ).run({ task_id, n, from, to });
  return changes === 1;
}

/** The state of an attempt and its task that decides whether a callback is accepted. */
export type AttemptState = {
  user_id: string;
  status: TaskStatus;
  /** The task's newest attempt. */
  newest: number;
  cancel_reason: string | null;
  /** JSON. */
  waiting_for: string | null;
  /** JSON; not null: the worker has missed its heartbeats until now. */
  silence: string | null;
  /** 1: a person's message waits for the worker; else 0. */
  has_messages: number;
  attempt_status: AttemptRow['status'];
  worker: string;
  last_seq: number;
  /** What the attempt's events take in the log. */
  log_bytes: number;
  /** When the worker reported its result. */
  result_at: string | null;
};

type TaskPart = Pick<
  AttemptState,
  'user_id' | 'status' | 'newest' | 'cancel_reason' | 'waiting_for' | 'silence' | 'has_messages'
>;
type AttemptPart = Omit<AttemptState, keyof TaskPart>;

/** Undefined: there is no such attempt. Every callback calls this, and two look-ups cost a quarter of a join. */
export function findAttemptState(db: Db, task_id: string, n: number): AttemptState | undefined {
  const attempt = sql<AttemptPart>(
    db,
    'SELECT status AS attempt_status, worker, last_seq, log_bytes, result_at FROM attempts WHERE task_id = ? AND n = ?',
  ).get(task_id, n);
  const task = sql<TaskPart>(
    db,
    `SELECT user_id, status, attempt AS newest, cancel_reason, waiting_for, silence,
       EXISTS (SELECT 1 FROM messages WHERE task_id = tasks.id AND taken_in_at IS NULL) AS has_messages
     FROM tasks WHERE id = ?`,
  ).get(task_id);
  return attempt && task && { ...attempt, ...task };
}

/** What the attempts of a task before the `n`th have stored. */
export function sumEarlierEvents(db: Db, task_id: string, n: number): { bytes: number; events: number } {
  const sum = sql<{ bytes: number; events: number }>(
    db,
    'SELECT total(log_bytes) AS bytes, total(last_seq) AS events FROM attempts WHERE task_id = ? AND n < ?',
  ).get(task_id, n);
  return sum ?? { bytes: 0, events: 0 };
}

/** Stores the `seq` of the newest stored event of an attempt, and what its events take in the log. */
export function updateLastSeq(
  db: Db,
  task_id: string,
  n: number,
  { last_seq, log_bytes }: Pick<AttemptState, 'last_seq' | 'log_bytes'>,
): void {
  sql(db, 'UPDATE attempts SET last_seq = ?, log_bytes = ? WHERE task_id = ? AND n = ?').run(
    last_seq,
    log_bytes,
    task_id,
    n,
  );
}

/** Stores when the worker reported the attempt's result, as an ISO time. */
export function markResultReceived(db: Db, task_id: string, n: number, at: string): void {
  sql(db, 'UPDATE attempts SET result_at = :at WHERE task_id = :task_id AND n = :n').run({ task_id, n, at });
}
