import { sleep } from './sleep.ts';
import type { MessageSource } from './work.ts';

/** Runs something beside which a message may come. `waits` resolves once one has waited this long to be heard. */
export async function whileListening<T>(
  messages: MessageSource,
  wait_ms: number,
  run: (waits: Promise<void>) => Promise<T>,
): Promise<T> {
  const ended = new AbortController();
  const { promise: waits, resolve } = Promise.withResolvers<void>();
  const watch = async () => {
    await messages.arrived(ended.signal);
    await sleep(wait_ms, ended.signal);
    resolve();
  };
  // A message that cannot be taken now is taken after the run.
  watch().catch(() => undefined);
  try {
    return await run(waits);
  } finally {
    ended.abort();
  }
}
