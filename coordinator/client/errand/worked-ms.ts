import type { Task } from '../../../protocol/task.ts';

type Times = Pick<Task, 'work' | 'started_at' | 'ended_at'>;

/** How long an errand was at work until `now`, in milliseconds. An older server tells only when it began and ended. */
export function workedMs({ work, started_at, ended_at }: Times, now: number): number {
  const until = work || ended_at === null ? now : Date.parse(ended_at);
  const since = work ? work.since : started_at;
  return (work?.ms ?? 0) + (since === null ? 0 : Math.max(0, until - Date.parse(since)));
}
