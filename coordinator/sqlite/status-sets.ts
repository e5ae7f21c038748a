import { isEnded, TaskStatus } from '../../protocol/task.ts';

const listOf = (statuses: string[]) => `(${statuses.map((status) => `'${status}'`).join(', ')})`;

/** The statuses of tasks that have ended, as a list for `IN`. */
export const ENDED = listOf(TaskStatus.options.filter((status) => isEnded(status)));
/** All others: queued, at work, or parked. */
export const OPEN = listOf(TaskStatus.options.filter((status) => !isEnded(status)));
/** The open ones but for parked tasks, which need no worker until somebody answers. */
export const AT_WORK = listOf(TaskStatus.options.filter((status) => !isEnded(status) && status !== 'parked'));
