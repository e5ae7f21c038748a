import type { Db } from '../sqlite/database.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import { earliestRetry, hasDue, listReady, listTurns, releaseDue, type Turn } from '../sqlite/queue.ts';
import type { TaskRow } from '../domain/task.ts';

/*
 * The order of the queue: round-robin over users (a burst of one user does not starve another), and within the tasks of
 * one user by priority, then age. A task that waits for its `retry_at` comes after all that may start.
 */

/** The places of queued tasks of one user, from 1. */
export function queuePlaces(db: Db, user_id: string, tasks: Pick<TaskRow, 'id'>[]): Map<string, number> {
  const rounds = new Map(listReady(db, user_id).map((id, index) => [id, index + 1]));
  const turns = listTurns(db);
  return new Map(tasks.map(({ id }) => [id, 1 + countAhead(turns, user_id, rounds.get(id) ?? Infinity)]));
}

/**
 * How many tasks start before the one that is `round`th among its user's ready tasks, if none ends meanwhile. A user
 * with tasks at work has had as many turns already. Infinity: the task is not ready.
 */
function countAhead(turns: Turn[], user_id: string, round: number): number {
  const own = turns.findIndex(({ id }) => id === user_id);
  const { at_work: own_at_work = 0 } = turns[own] ?? {};
  let ahead = 0;
  for (const [index, { at_work, ready }] of turns.entries()) {
    // After as many turns, the one goes first who took the last of them earlier.
    const goes_first = at_work === own_at_work ? index < own : at_work > own_at_work;
    const rounds = own_at_work + round - at_work - (goes_first ? 0 : 1);
    ahead += Math.min(ready, Math.max(0, rounds));
  }
  return ahead;
}

/**
 * Makes the tasks ready that have waited until their `retry_at`. Returns the milliseconds until the next one has; null
 * if no other waits.
 */
export function endWaits(log: EventLog, now: string): number | null {
  if (hasDue(log.db, now)) log.write(({ db }) => releaseDue(db, now));
  const at = earliestRetry(log.db);
  return at === null ? null : Math.max(0, Date.parse(at) - Date.parse(now));
}
