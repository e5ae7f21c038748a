import type { Writable } from 'node:stream';

/** Returns a signal that aborts with `signal`, or as soon as `connection` closes because the worker hung up. */
export function abortOnClose(connection: Writable, signal: AbortSignal): AbortSignal {
  const closed = new AbortController();
  if (connection.closed) closed.abort();
  else connection.once('close', () => closed.abort());
  return AbortSignal.any([signal, closed.signal]);
}
