import { newId } from '../../protocol/ids.ts';
import { advance, endAttempt } from '../../coordinator/tasks/advance.ts';
import type { EventLog } from '../../coordinator/sqlite/event-log.ts';
import { insertAttempt } from '../../coordinator/sqlite/attempts.ts';
import { findTask, insertTask } from '../../coordinator/sqlite/tasks.ts';
import { insertUser } from '../../coordinator/sqlite/users.ts';
import { newTask, type AttemptRow, type TaskRow } from '../../coordinator/domain/task.ts';

/* Creates rows like those of the API and the dispatcher. */

const now = () => new Date().toISOString();

/** Adds a user; returns its id. */
export function addUser(log: EventLog): string {
  const id = newId();
  const user = { id, email: `${id}@example.test`, password_hash: '-', role: 'member' as const, created_at: now() };
  log.write((tx) => insertUser(tx.db, user));
  return id;
}

/** Adds a queued task. */
export function addTask(log: EventLog, user_id: string, fields: Partial<TaskRow> = {}): TaskRow {
  const defaults = { user_id, project_id: null, base_branch: null, budget_usd: 1, max_turns: 10, priority: 0 };
  const task: TaskRow = {
    ...newTask({ ...defaults, repo_url: 'errand://sample', prompt: 'Fix it', model: 'demo' }, now()),
    ...fields,
  };
  log.write((tx) => insertTask(tx.db, task));
  return task;
}

type Commands = Pick<AttemptRow, 'setup_command' | 'verify_command'>;

/** Starts the next attempt of a queued task with a worker of this name; returns its number. */
export function startAttempt(
  log: EventLog,
  task_id: string,
  worker = `worker-${task_id}`,
  commands: Partial<Commands> = {},
): number {
  return log.write((tx) => {
    const task = advance(tx, taskOf(log, task_id), { type: 'attempt_started', at: now() });
    insertAttempt(tx.db, {
      task_id,
      n: task.attempt,
      status: 'starting',
      reason: null,
      detail: null,
      runner: 'process',
      worker,
      warm: false,
      last_seq: 0,
      setup_command: null,
      verify_command: null,
      ...commands,
      started_at: now(),
      ended_at: null,
    });
    return task.attempt;
  });
}

/** Brings a queued task to `running`, as the dispatcher and its worker do. */
export function runTask(log: EventLog, id: string): void {
  startAttempt(log, id);
  log.write((tx) => advance(tx, taskOf(log, id), { type: 'worker_called', at: now() }));
}

/** Ends the running attempt, and the task with it. */
export function endTask(log: EventLog, id: string, status: 'succeeded' | 'failed' = 'succeeded'): void {
  const task = taskOf(log, id);
  const reason = status === 'failed' ? 'turn_limit' : null;
  log.write((tx) => endAttempt(tx, task, task.attempt, { status, reason, detail: null, at: now() }));
}

/** The task's current row. */
export function taskOf(log: EventLog, id: string): TaskRow {
  const task = findTask(log.db, id);
  if (!task) throw new Error(`There is no task ${id}.`);
  return task;
}

/** Adds events of type `log` to a task; gives their ids. */
export function addLogEvents(
  log: EventLog,
  task: Pick<TaskRow, 'id' | 'user_id'>,
  count: number,
  text = 'x',
): number[] {
  const event = { task_id: task.id, user_id: task.user_id, attempt: 1, seq: null, type: 'log' };
  const row = { ...event, at: now(), body: JSON.stringify({ level: 'info', text }) };
  return log.write((tx) => Array.from({ length: count }, () => tx.append(row).id));
}
