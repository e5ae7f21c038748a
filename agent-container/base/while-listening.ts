import { sleep } from './sleep.ts';
import type { MessageSource } from './work.ts';

/**
 * Runs something beside which a message may come. `waits` resolves once one has waited this long to be heard, and was
 * taken. Until then it can still be changed and withdrawn.
 */
export async function whileListening<T>(
  messages: MessageSource,
  wait_ms: number,
  run: (waits: Promise<void>) => Promise<T>,
): Promise<T> {
  const ended = new AbortController();
  const { promise: waits, resolve } = Promise.withResolvers<void>();
  const watch = async () => {
    do {
      await messages.queued(ended.signal);
      await sleep(wait_ms, ended.signal);
      // One that cannot be taken now is still queued: it is tried again.
    } while (!(await messages.areWaiting().catch(() => false)));
    resolve();
  };
  // It rejects only once the run has ended.
  watch().catch(() => undefined);
  try {
    return await run(waits);
  } finally {
    ended.abort();
  }
}
