import type { IncomingMessage } from 'node:http';
import { shapeFault, type ShapeLimits } from '../../protocol/json-shape.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { ByteBudget } from './byte-budget.ts';
import { within } from './deadline.ts';
import { GatheredBytes } from './gathered-bytes.ts';

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * How large a body may be, how long it may take to come, and who pays for it. A body that declares its length has
 * `read_ms` and what it takes at `bytes_per_s_min`.
 */
export type BodyLimits = {
  bytes_max: number;
  read_ms: number;
  bytes_per_s_min: number;
  budget: ByteBudget;
  key: string;
};

/**
 * Reads a request's body as it is. Rejects with `unsupported_media_type` if it is compressed, with `rate_limited` if
 * its sender has sent too much of late, with `too_large` as soon as that is known, with `invalid` if it ends early, and
 * with `unavailable` if it takes too long, so that the client sends it again. A body that is refused is not read to its
 * end: see `discardBody`.
 */
export async function readBody(request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  const { bytes_max, budget, key } = limits;
  const encoding = request.headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (encoding !== 'identity')
    throw new ErrandError('unsupported_media_type', `The body must not be compressed, as ${encoding} or otherwise.`);
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > bytes_max) throw tooLarge(bytes_max);
  budget.admit(key);
  return declared > 0 && request.readableLength === declared ? takeWhole(request, limits) : collect(request, limits);
}

/**
 * Parses a body. Throws `too_large` if it has more structure than `shape` allows, before it parses any, and `invalid`
 * if it is not JSON in UTF-8.
 */
export function parseJson(bytes: Buffer, shape: ShapeLimits): unknown {
  const fault = shapeFault(bytes, shape);
  if (fault !== undefined) throw new ErrandError('too_large', `The body ${fault}.`);
  try {
    return JSON.parse(UTF8.decode(bytes));
  } catch {
    // Without its cause, which quotes the body: the log must not have a part of a password.
    throw new ErrandError('invalid', 'The body is not valid JSON in UTF-8.');
  }
}

/** Whether the request announced a body. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/**
 * Reads on without keeping anything, so that a client that is still sending gets to read the response. Resolves at the
 * end of the body, after `bytes_max` or after `ms`; whatever then still comes is left to the caller.
 */
export async function discardBody(request: IncomingMessage, { bytes_max, ms }: { bytes_max: number; ms: number }) {
  if (request.destroyed) return;
  let bytes = 0;
  const discarded = new Promise<void>((resolve) => {
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= bytes_max) return;
      request.pause();
      resolve();
    });
    for (const event of ['end', 'close', 'error'] as const) request.once(event, () => resolve());
  });
  // Whoever refused it has paused it.
  request.resume();
  await within(ms, discarded);
}

/** A body that has come in one piece with its head, as small ones do: to listen for it takes several times as long. */
function takeWhole(request: IncomingMessage, { budget, key }: BodyLimits): Buffer {
  const body: Buffer = request.read();
  budget.spend(key, body.length);
  return body;
}

/**
 * Listeners cost a third of an async iterator, and one timer less than a race of promises. Every callback has a body.
 */
function collect(request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  const { bytes_max, read_ms, bytes_per_s_min, budget, key } = limits;
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const declared = Number(request.headers['content-length'] ?? 0);
  const gathered = new GatheredBytes(declared, bytes_max);
  let bytes = 0;
  const refuse = (error: unknown) => {
    clearTimeout(late);
    request.off('data', onData);
    request.pause();
    reject(error);
  };
  const onData = (chunk: Buffer) => {
    bytes += chunk.length;
    try {
      budget.spend(key, chunk.length);
    } catch (error) {
      return refuse(error);
    }
    if (bytes > bytes_max) return refuse(tooLarge(bytes_max));
    gathered.add(chunk);
  };
  const onClose = (cause?: unknown) => {
    if (!request.readableEnded) refuse(new ErrandError('invalid', 'The body ended early.', { cause }));
  };
  const onEnd = () => {
    clearTimeout(late);
    resolve(gathered.bytes);
  };
  const all_ms = read_ms + (1000 * declared) / bytes_per_s_min;
  const late = setTimeout(
    () =>
      refuse(new ErrandError('unavailable', `The body did not arrive within ${Math.round(all_ms / 1000)} seconds.`)),
    all_ms,
  );
  request.on('data', onData);
  request.once('end', onEnd);
  request.once('error', onClose);
  request.once('close', onClose);
  return promise;
}

function tooLarge(bytes_max: number): ErrandError {
  return new ErrandError('too_large', `The body is larger than ${bytes_max} bytes.`);
}
