import type { WaitingFor } from '../../protocol/task.ts';
import type { TaskRow } from './task.ts';

/** The columns of a task that decide what it waits for. */
export type WaitState = Pick<TaskRow, 'status' | 'queued_at' | 'retry_at' | 'updated_at' | 'silence' | 'waiting_for'>;

/** Where a queued task stands. `place`: from 1. `fault`: what keeps every task in the queue, or null. */
export type QueuePosition = { place: number; fault: string | null };

/**
 * What a task waits for: in the queue and before its worker's first call by its status, later by its worker's last report, unless the worker is
 * silent. Null: for nothing, or it is queued and `position` is not given.
 */
export function waitingFor(task: WaitState, position?: QueuePosition): WaitingFor | null {
  switch (task.status) {
    case 'queued':
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
    case 'succeeded':
    case 'failed':
    case 'cancelled':
      return null;
  }
}
