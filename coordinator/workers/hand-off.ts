import type { Logger } from '../base/logger.ts';
import { callWhileBooting } from './boot.ts';
import type { Worker, WorkerChannel } from './runner.ts';
import { postTask } from './worker-client.ts';

type Bounds = { within_ms: number; signal: AbortSignal; logger: Logger };

/**
 * Hands a task to a worker, which may still be booting: its assignment as JSON. Resolves with whether the worker
 * accepted it in time, before the signal aborted. If not, the log says why.
 */
export async function handOff(
  worker: Worker,
  channel: WorkerChannel,
  assignment: Buffer,
  { within_ms, signal, logger }: Bounds,
): Promise<boolean> {
  try {
    const response = await callWhileBooting(worker, channel, { within_ms, signal }, (left_ms) =>
      postTask(channel, assignment, AbortSignal.any([AbortSignal.timeout(left_ms), signal])),
    );
    if (response.status === 202) return true;
    logger.warn({ worker: worker.name, ...response }, 'worker refused the task');
  } catch (error) {
    if (!signal.aborted) logger.warn({ worker: worker.name, err: error }, 'task hand-off failed');
  }
  return false;
}
