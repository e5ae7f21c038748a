import { setTimeout as sleep } from 'node:timers/promises';
import type { MockCoordinator } from './mock.ts';
import type { MockTask } from './task.ts';

/** A worker that makes no call for this many heartbeats is dead; on a busy machine it may be slow for a while. */
const SILENT_HEARTBEATS = 3;
const SILENT_MS_MIN = 10_000;
const LOOK_MS = 50;

/**
 * Cancels the task, and waits until its worker has sent its result, or is dead. A worker that goes on makes its
 * workspace anew after it was removed. `hurry`: ends the wait.
 */
export async function endWork(
  { calls }: MockCoordinator,
  task: MockTask,
  say: (text: string) => void,
  hurry: AbortSignal,
): Promise<void> {
  const silent_ms = Math.max(SILENT_HEARTBEATS * task.base.heartbeat_ms, SILENT_MS_MIN);
  const worksStill = (): boolean => {
    const newest = calls.findLast(({ name, status }) => status === 200 && (name === 'assignment' || name === 'result'));
    return newest?.name === 'assignment' && performance.now() - (calls.at(-1)?.at ?? 0) < silent_ms;
  };
  if (!worksStill()) return;
  task.cancel('The mock coordinator ends.');
  say('Waiting for the worker to end. Another Ctrl-C ends the wait.');
  while (worksStill() && !hurry.aborted) await sleep(LOOK_MS, undefined, { signal: hurry }).catch(() => undefined);
}
