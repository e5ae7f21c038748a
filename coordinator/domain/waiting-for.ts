import type { WaitingFor } from '../../protocol/task.ts';
import type { TaskRow } from './task.ts';

/** The columns that decide what a task waits for. */
export type WaitState = Pick<
  TaskRow,
  'status' | 'detail' | 'queued_at' | 'retry_at' | 'outage_since' | 'updated_at' | 'silence' | 'waiting_for'
>;

/** A queued task's position. `place`: from 1. `fault`: why no queued task can start, or null. */
export type QueuePosition = { place: number; fault: string | null };

/**
 * What a task waits for. The status decides until the worker's first call; after that, `silence` or the worker's last
 * report. Null: nothing, or the task is queued and `position` is not given.
 */
export function waitingFor(task: WaitState, position?: QueuePosition): WaitingFor | null {
  switch (task.status) {
    case 'queued':
      if (task.outage_since !== null && task.retry_at !== null)
        return { kind: 'limit', since: task.outage_since, until: task.retry_at, reason: task.detail ?? 'an outage' };
      if (!position) return null;
      return {
        kind: 'queue',
        since: task.queued_at,
        place: position.place,
        ...(task.retry_at !== null && { retry_at: task.retry_at }),
        ...(position.fault !== null && { reason: position.fault }),
      };
    case 'starting':
      return { kind: 'worker', since: task.updated_at };
    case 'running':
    case 'waiting':
      return task.silence ?? task.waiting_for;
    case 'parked':
      return task.waiting_for;
    case 'succeeded':
    case 'failed':
    case 'cancelled':
      return null;
  }
}
