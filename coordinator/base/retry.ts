import { setTimeout as delay } from 'node:timers/promises';

export type Patience = {
  /** The wait after the first failure; it doubles with each. */
  first_ms: number;
  /** The longest wait. */
  max_ms: number;
  /** What ends it undone. */
  signal: AbortSignal;
  onFailure: (error: unknown) => void;
};

/** Does `work` until it succeeds, or the signal aborts. Never rejects. */
export async function keepTrying(
  work: () => void | Promise<void>,
  { first_ms, max_ms, signal, onFailure }: Patience,
): Promise<void> {
  for (let wait_ms = first_ms; !signal.aborted; wait_ms = Math.min(wait_ms * 2, max_ms)) {
    try {
      return await work();
    } catch (error) {
      onFailure(error);
    }
    await delay(wait_ms, undefined, { ref: false, signal }).catch(() => undefined);
  }
}
