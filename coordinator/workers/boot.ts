import { setTimeout as delay } from 'node:timers/promises';
import { WORKER_SOCKET } from '../../protocol/worker.ts';
import { describeExit } from './describe-exit.ts';
import { WorkerUnreachable, type Worker, type WorkerChannel } from './runner.ts';

/** How long a worker may take from its start until it listens. */
export const BOOT_MS = 20_000;
/** Between two calls of a worker that refuses them: it has made its socket, or an earlier one has left it. */
const RETRY_MS = 10;

/** A worker exited, or its time was over, before it listened. The message is for people. */
export class NotListening extends Error {
  override readonly name = 'NotListening';
}

/**
 * Calls a worker that may still be booting: waits until the worker listens, and then calls it. `call` gets the time
 * that is left, in milliseconds. Rejects with the call's error once the worker listens, with `NotListening` where it
 * exits or does not listen within `within_ms`, and where the signal aborts.
 */
export async function callWhileBooting<T>(
  worker: Worker,
  channel: WorkerChannel,
  { within_ms, signal }: { within_ms: number; signal: AbortSignal },
  call: (left_ms: number) => Promise<T>,
): Promise<T> {
  const until = performance.now() + within_ms;
  const failed = new AbortController();
  const fail = (why: string) => failed.abort(new NotListening(why));
  void worker.ended.then((end) => fail(describeExit(end, 'it listened').detail));
  const too_late = `The worker did not listen on ${WORKER_SOCKET} within ${within_ms / 1_000} s.`;
  const late = setTimeout(() => fail(too_late), within_ms);
  const waiting = AbortSignal.any([signal, failed.signal]);
  try {
    for (;;) {
      await channel.untilListening(waiting);
      try {
        return await call(Math.max(1, Math.ceil(until - performance.now())));
      } catch (error) {
        if (!(error instanceof WorkerUnreachable && error.unreached) || waiting.aborted) throw error;
      }
      await delay(RETRY_MS);
    }
  } finally {
    clearTimeout(late);
  }
}
