import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import { ErrandError } from '../../../protocol/problem.ts';
import { responseHeaders } from './headers.ts';
import type { Meter } from './meter.ts';

export type StreamOptions = {
  /** Ends the reading. */
  signal: AbortSignal;
  /** Further headers of the response. */
  headers: Record<string, string>;
  /** Reads the bytes as they pass. */
  meter?: Meter | undefined;
};

/**
 * Streams the API's answer to the worker as it arrives, and reads it to its end even where the worker hangs up: only
 * its end says what it cost. Rejects with `upstream_unreachable` where the API breaks off, and with the signal's
 * reason.
 */
export async function streamResponse(
  answer: Dispatcher.ResponseData,
  response: ServerResponse,
  { signal, headers, meter }: StreamOptions,
): Promise<void> {
  if (!response.destroyed) {
    response.writeHead(answer.statusCode, { ...responseHeaders(answer.headers), ...headers });
    response.flushHeaders();
  }
  try {
    for await (const chunk of answer.body) {
      const bytes: Buffer = chunk;
      meter?.push(bytes);
      if (!response.destroyed && !response.write(bytes)) await drained(response, signal);
    }
  } catch (cause) {
    signal.throwIfAborted();
    throw new ErrandError('upstream_unreachable', 'The Claude API broke off its answer.', { cause });
  }
  response.end();
}

/** Waits until the worker has read what was sent, or has hung up. */
async function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  const done = new AbortController();
  const until = { signal: AbortSignal.any([signal, done.signal]) };
  try {
    await Promise.race([once(response, 'drain', until), once(response, 'close', until)]);
  } finally {
    done.abort();
  }
}
