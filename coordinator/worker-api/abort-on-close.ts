import type { Writable } from 'node:stream';

/** A signal that aborts with the attempt (`signal`), and when the worker's end of the connection closes: nobody waits for the rest then. */
export function untilClosed(connection: Writable, signal: AbortSignal): AbortSignal {
  const closed = new AbortController();
  if (connection.closed) closed.abort();
  else connection.once('close', () => closed.abort());
  return AbortSignal.any([signal, closed.signal]);
}
