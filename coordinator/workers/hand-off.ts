import { setTimeout as delay } from 'node:timers/promises';
import type { Assignment } from '../../protocol/worker-schemas.ts';
import type { Logger } from '../base/logger.ts';
import { WorkerUnreachable, type Worker, type WorkerChannel } from './runner.ts';
import { postTask } from './worker-client.ts';

/** How long a worker may take from its start until it serves. */
export const BOOT_MS = 20_000;
/** Between two tries to reach a worker that is booting. */
export const BOOT_POLL_MS = 10;

type Bounds = { within_ms: number; signal: AbortSignal; logger: Logger };

/**
 * Hands a task to a worker, which may still be booting. Resolves with whether the worker took it within the time and before the signal aborted;
 * where it did not, the log says why.
 */
export async function handOff(
  worker: Worker,
  channel: WorkerChannel,
  assignment: Assignment,
  { within_ms, signal, logger }: Bounds,
): Promise<boolean> {
  let gone = false;
  void worker.ended.then(() => (gone = true));
  const until = performance.now() + within_ms;
  while (!signal.aborted) {
    const timeout = AbortSignal.timeout(Math.max(1, Math.ceil(until - performance.now())));
    try {
      const answer = await postTask(channel, assignment, AbortSignal.any([timeout, signal]));
      if (answer.status === 202) return true;
      logger.warn({ worker: worker.name, ...answer }, 'worker refused the task');
      return false;
    } catch (error) {
      const booting = error instanceof WorkerUnreachable && error.unreached && !gone && performance.now() < until;
      if (!booting) {
        if (!signal.aborted) logger.warn({ worker: worker.name, err: error }, 'task hand-off failed');
        return false;
      }
    }
    await delay(BOOT_POLL_MS);
  }
  return false;
}
