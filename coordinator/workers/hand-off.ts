import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../base/logger.ts';
import { callWhileBooting, NotListening } from './boot.ts';
import { describeExit } from './describe-exit.ts';
import { redactOutput } from './redact-output.ts';
import type { Worker, WorkerChannel } from './runner.ts';
import { postTask } from './worker-client.ts';

/** How long after a call without an answer a worker may take to exit, for that to be the reason. */
const EXIT_MS = 500;

type Bounds = { within_ms: number; signal: AbortSignal; logger: Logger };

/**
 * Hands a task to a worker, which may still be booting: its assignment as JSON. Resolves with null once the worker
 * accepted it, else with why it did not in time or before the signal aborted: a sentence for people, which is also in
 * the log.
 */
export async function handOff(
  worker: Worker,
  channel: WorkerChannel,
  assignment: Buffer,
  { within_ms, signal, logger }: Bounds,
): Promise<string | null> {
  try {
    const response = await callWhileBooting(worker, channel, { within_ms, signal }, (left_ms) =>
      postTask(channel, assignment, AbortSignal.any([AbortSignal.timeout(left_ms), signal])),
    );
    if (response.status === 202) return null;
    logger.warn({ worker: worker.name, ...response }, 'worker refused the task');
    const body = redactOutput(response.text);
    return `The worker answered POST /task with ${response.status}, not with 202${body === '' ? '.' : `: ${body}`}`;
  } catch (error) {
    if (!signal.aborted) logger.warn({ worker: worker.name, err: error }, 'task hand-off failed');
    if (error instanceof NotListening) return error.message;
    const end = signal.aborted ? undefined : await Promise.race([worker.ended, delay(EXIT_MS, undefined)]);
    if (end) return describeExit(end, 'it accepted the task').detail;
    return "The worker was started, but did not answer POST /task. The server's log says why.";
  }
}
