import type { Db } from '../sqlite/database.ts';
import { earliestRetry, firstQueued, listQueued } from '../sqlite/queue.ts';
import type { TaskRow } from '../domain/task.ts';

/*
 * The order of the queue: round-robin over users (a burst of one user does not starve another), each with their own
 * tasks by priority and age. A task that waits for its `retry_at` comes after all that may start. One SQL statement gives both the places
 * that users see and the task to start next.
 */

/** Each queued task's place, from 1. It scans the whole queue: for a list of tasks, call it once. */
export function queuePlaces(db: Db, now: string): Map<string, number> {
  return new Map(listQueued(db, now).map((id, index) => [id, index + 1]));
}

/** The task's place in the queue, from 1; null if it is not queued. */
export function queuePlace(db: Db, task: Pick<TaskRow, 'id' | 'status'>, now: string): number | null {
  return task.status === 'queued' ? (queuePlaces(db, now).get(task.id) ?? null) : null;
}

/** The task to start now; undefined: none. `busy`: tasks whose previous worker has not exited yet; they are skipped. */
export function nextTask(db: Db, now: string, busy: string[]): string | undefined {
  return firstQueued(db, now, busy);
}

/** Milliseconds until the next `retry_at` of a queued task; null if no task waits for one. */
export function nextRetryIn(db: Db, now: string): number | null {
  const at = earliestRetry(db, now);
  return at === null ? null : Math.max(0, Date.parse(at) - Date.parse(now));
}
