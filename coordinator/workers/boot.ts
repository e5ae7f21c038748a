import { setTimeout as delay } from 'node:timers/promises';
import { WorkerUnreachable, type Worker } from './runner.ts';

/** How long a worker may take from its start until it listens. */
export const BOOT_MS = 20_000;
/** Between two attempts to reach a worker that is booting. */
const POLL_MS = 10;

/**
 * Calls a worker that may still be booting: repeats the call while the worker does not listen yet. `call` gets the
 * time that is left, in milliseconds. Rejects with the call's error once the worker listens, and where it exits or
 * does not listen within `within_ms`, or the signal aborts.
 */
export async function callWhileBooting<T>(
  worker: Worker,
  { within_ms, signal }: { within_ms: number; signal: AbortSignal },
  call: (left_ms: number) => Promise<T>,
): Promise<T> {
  let exited = false;
  void worker.ended.then(() => (exited = true));
  const until = performance.now() + within_ms;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await call(Math.max(1, Math.ceil(until - performance.now())));
    } catch (error) {
      if (!(error instanceof WorkerUnreachable && error.unreached) || performance.now() >= until) throw error;
      if (exited) throw new Error(`The worker ${worker.name} exited before it listened.`, { cause: error });
    }
    await delay(POLL_MS, undefined, { signal });
  }
}
