import type { Db } from '../sqlite/database.ts';
import { earliestRetry, firstQueued, listQueued, type Times } from '../sqlite/queue.ts';
import { BACKOFF_MAX_MS } from '../domain/task-state.ts';
import type { TaskRow } from '../domain/task.ts';

/*
 * The order of the queue: priority; then each user in turn, so that nobody's burst starves another; then age. A task that waits for its
 * `retry_at` stands behind all that may start. The places that people see and the task that starts next come from the same statement.
 */

/** Each queued task's place, from 1. One pass over the queue: for a list of tasks, call it once. */
export function queuePlaces(db: Db, now: string): Map<string, number> {
  return new Map(listQueued(db, from(now)).map((id, index) => [id, index + 1]));
}

/** The task's place in the queue, from 1; null where it is not queued. */
export function queuePlace(db: Db, task: Pick<TaskRow, 'id' | 'status'>, now: string): number | null {
  return task.status === 'queued' ? (queuePlaces(db, now).get(task.id) ?? null) : null;
}

/** The task to start now; undefined: none may. `busy` are tasks whose last worker has not gone yet. */
export function nextTask(db: Db, now: string, busy: string[]): string | undefined {
  return firstQueued(db, from(now), busy);
}

/** How long until the first of the tasks that wait for their `retry_at` may start, in milliseconds; null where none waits. */
export function nextRetryIn(db: Db, now: string): number | null {
  const at = earliestRetry(db, from(now));
  return at === null ? null : Math.max(0, Date.parse(at) - Date.parse(now));
}

function from(now: string): Times {
  return { now, latest: new Date(Date.parse(now) + BACKOFF_MAX_MS).toISOString() };
}
