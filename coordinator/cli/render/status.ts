import type { TaskStatus } from '../../../protocol/task.ts';
import type { Style } from './line.ts';

/** The colour of each status. */
export const STATUS_STYLE: Record<TaskStatus, Style> = {
  queued: 'yellow',
  starting: 'yellow',
  running: 'cyan',
  waiting: 'yellow',
  parked: 'yellow',
  succeeded: 'green',
  failed: 'red',
  cancelled: 'yellow',
};
/** A status for people: whether there is still a worker makes no difference to who has to answer. */
export function statusWord(status: TaskStatus): string {
  return status === 'parked' ? 'waiting' : status;
}
