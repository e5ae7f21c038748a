import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Dispatcher } from 'undici';
import { ErrandError } from '../../../protocol/problem.ts';
import { responseHeaders } from './headers.ts';
import type { Meter } from './meter.ts';

export type StreamOptions = {
  signal: AbortSignal;
  /** Further headers of the response. */
  headers: Record<string, string>;
  /** Reads the bytes as they pass. */
  meter?: Meter | undefined;
};

/**
 * Streams the API's answer to the worker as it arrives. Rejects where either side breaks off: with
 * `upstream_unreachable` where it was the API, else with the stream's own error.
 */
export async function streamResponse(
  answer: Dispatcher.ResponseData,
  response: ServerResponse,
  { signal, headers, meter }: StreamOptions,
): Promise<void> {
  response.writeHead(answer.statusCode, { ...responseHeaders(answer.headers), ...headers });
  response.flushHeaders();
  // The meter only listens. The pipeline applies back-pressure.
  answer.body.on('data', (chunk: Buffer) => meter?.push(chunk));
  let api_failed = false;
  answer.body.once('error', () => (api_failed = !signal.aborted));
  await pipeline(answer.body, response, { signal }).catch((cause: unknown) => {
    if (api_failed) throw new ErrandError('upstream_unreachable', 'The Claude API broke off its answer.', { cause });
    throw cause;
  });
}
