import { newId } from '../../protocol/ids.ts';
import { advance } from '../../coordinator/tasks/advance.ts';
import type { EventLog } from '../../coordinator/sqlite/event-log.ts';
import { insertAttempt } from '../../coordinator/sqlite/attempts.ts';
import { findTask, insertTask } from '../../coordinator/sqlite/tasks.ts';
import { insertUser } from '../../coordinator/sqlite/users.ts';
import { newTask, type TaskRow } from '../../coordinator/domain/task.ts';

/* Rows as the API and the dispatcher make them, for tests of what comes after. */

const now = () => new Date().toISOString();

/** A user, by id. */
export function addUser(log: EventLog): string {
  const id = newId();
  const user = { id, email: `${id}@example.test`, password_hash: '-', role: 'member' as const, created_at: now() };
  log.write((tx) => insertUser(tx.db, user));
  return id;
}

/** A queued task. */
export function addTask(log: EventLog, user_id: string, fields: Partial<TaskRow> = {}): TaskRow {
  const asked = { user_id, project_id: null, base_branch: null, budget_usd: 1, max_turns: 10, priority: 0 };
  const task: TaskRow = {
    ...newTask({ ...asked, repo_url: 'errand://sample', prompt: 'Mend it', model: 'demo' }, now()),
    ...fields,
  };
  log.write((tx) => insertTask(tx.db, task));
  return task;
}

/** Starts the next attempt of a queued task, at the worker of this name. Gives its number. */
export function startAttempt(log: EventLog, task_id: string, worker = `worker-${task_id}`): number {
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
      started_at: now(),
      ended_at: null,
    });
    return task.attempt;
  });
}

/** The task as it stands now. */
export function taskOf(log: EventLog, id: string): TaskRow {
  const task = findTask(log.db, id);
  if (!task) throw new Error(`There is no task ${id}.`);
  return task;
}
