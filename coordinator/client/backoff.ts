/** The wait after the first failure, and the longest one, in milliseconds. */
export type BackoffTimes = { first_ms: number; max_ms: number };

/** Something that is not answered for this long is given up when the network or the person is back. */
export const HURRY_MS = 2_000;

/** How long to wait after this many failures in a row, in milliseconds: each wait is twice the one before. */
export function backoffMs({ first_ms, max_ms }: BackoffTimes, failures: number): number {
  return Math.min(first_ms * 2 ** (failures - 1), max_ms);
}

const RECONNECT = { first_ms: 250, max_ms: 15_000 };

/**
 * How long to wait before the next connection. Up to half of the backoff is taken off at random, so that the clients of
 * a server that was away do not come back in step.
 */
export function reconnectMs(failures: number): number {
  return backoffMs(RECONNECT, failures) * (0.5 + Math.random() / 2);
}
