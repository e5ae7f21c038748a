import { setTimeout as delay } from 'node:timers/promises';
import type { Assignment } from '../../protocol/worker.ts';
import type { Logger } from '../base/logger.ts';
import { LOOK_MS } from './warm-pool.ts';
import { postTask, WorkerUnreachable } from './worker-client.ts';
import type { Worker } from './workers.ts';

type Bounds = { within_ms: number; signal: AbortSignal; logger: Logger };

/**
 * Hands a task to a worker, which may still be booting. Gives whether it took it within this time, and before the signal aborted; where not,
 * the log says why.
 */
export async function handOver(worker: Worker, assignment: Assignment, bounds: Bounds): Promise<boolean> {
  const { within_ms, signal, logger } = bounds;
  let gone = false;
  void worker.ended.then(() => (gone = true));
  const until = performance.now() + within_ms;
  while (!signal.aborted) {
    const timeout = AbortSignal.timeout(Math.max(1, Math.ceil(until - performance.now())));
    try {
      const answer = await postTask(worker.link, assignment, AbortSignal.any([timeout, signal]));
      if (answer.status === 202) return true;
      logger.warn({ worker: worker.name, ...answer }, 'the worker refused the task');
      return false;
    } catch (error) {
      const booting = error instanceof WorkerUnreachable && error.unreached && !gone && performance.now() < until;
      if (!booting) {
        if (!signal.aborted) logger.warn({ worker: worker.name, err: error }, 'the worker took no task');
        return false;
      }
    }
    await delay(LOOK_MS);
  }
  return false;
}
