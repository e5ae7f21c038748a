import type { IncomingMessage } from 'node:http';
import { discardBody, readBytes, readJson } from '../base/json-body.ts';

/** How long a worker may take to send a body. */
const READ_MS = 30_000;
/** How much of a body that was refused is still read, and for how long, so that the worker gets to read why. */
const DISCARD = { bytes_max: 32 * 1024 * 1024, ms: 10_000 };

/** Reads a call's JSON body; see `readJson`. The connection of a refused body is cut if its rest does not come soon. */
export function readJsonBody(request: IncomingMessage, bytes_max: number): Promise<unknown> {
  return cutIfRefused(request, readJson(request, { bytes_max, read_ms: READ_MS }));
}

/** The same for a body as it is. */
export function readRawBody(request: IncomingMessage, bytes_max: number): Promise<Buffer> {
  return cutIfRefused(request, readBytes(request, { bytes_max, read_ms: READ_MS }));
}

function cutIfRefused<T>(request: IncomingMessage, reading: Promise<T>): Promise<T> {
  return reading.catch((error: unknown) => {
    void discardRest(request);
    throw error;
  });
}

async function discardRest(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return;
  await discardBody(request, DISCARD);
  if (!request.complete) request.destroy();
}
