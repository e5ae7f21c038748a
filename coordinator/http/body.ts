import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import type { ExtendableContext } from 'koa';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';

/** What of a refused body is still read, and for how long, so that the client gets to read why. */
const LINGER_BYTES_MAX = 1024 * 1024;
const LINGER_MS = 2_000;

/**
 * Reads a JSON body of at most `LIMITS.request_body_bytes_max`. Throws `unsupported_media_type` for what is not plain JSON in UTF-8,
 * `too_large` as soon as that is known, and `invalid` for what does not parse.
 */
export async function readJson(ctx: ExtendableContext): Promise<unknown> {
  if (!hasBody(ctx.req)) throw new ErrandError('invalid', 'A JSON body is needed.');
  if (!ctx.request.is('application/json'))
    throw new ErrandError('unsupported_media_type', 'The body must be application/json.');
  if (!['', 'utf-8', 'utf8'].includes(ctx.request.charset.toLowerCase()))
    throw new ErrandError('unsupported_media_type', 'The body must be in UTF-8.');
  if (!['', 'identity'].includes(ctx.get('Content-Encoding').toLowerCase()))
    throw new ErrandError('unsupported_media_type', 'The body must not be compressed.');
  const bytes = await readBytes(ctx.req, LIMITS.request_body_bytes_max);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new ErrandError('invalid', 'The body is not valid JSON.', { cause: error });
  }
}

async function readBytes(req: IncomingMessage, bytes_max: number): Promise<Buffer> {
  const tooLarge = () => new ErrandError('too_large', `The body is larger than ${bytes_max} bytes.`);
  if (Number(req.headers['content-length'] ?? 0) > bytes_max) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // The request outlives the loop: the answer goes out on the same socket.
    for await (const chunk of req.iterator({ destroyOnReturn: false })) {
      const piece: Buffer = chunk;
      bytes += piece.length;
      if (bytes > bytes_max) throw tooLarge();
      chunks.push(piece);
    }
  } catch (error) {
    if (error instanceof ErrandError) throw error;
    throw new ErrandError('invalid', 'The body was cut off.', { cause: error });
  }
  return Buffer.concat(chunks);
}

/** Whether the request announced a body. */
export function hasBody(req: IncomingMessage): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
}

/**
 * To be called once the answer is there. Where the request's body was not read to its end, the connection cannot be used again; but
 * closing it at once would reset it, and the client might lose the answer. So the whole answer goes out, then what still comes is thrown
 * away for a while, and then the connection is closed.
 */
export async function closeAfterUnreadBody(ctx: ExtendableContext): Promise<void> {
  const { req, body } = ctx;
  if (!hasBody(req) || req.complete) return;
  // A refusal that needed no waiting comes before the rest of the packet was parsed.
  await setImmediate();
  if (req.complete) return;
  ctx.set('Connection', 'close');
  if (typeof body !== 'string') return;
  const { type } = ctx.response;
  ctx.body = Readable.from(answerThenDrain(body, req));
  ctx.type = type;
  ctx.length = Buffer.byteLength(body);
}

async function* answerThenDrain(answer: string, req: IncomingMessage): AsyncGenerator<Buffer> {
  yield Buffer.from(answer);
  const timeout = new AbortController();
  const timer = delay(LINGER_MS, undefined, { signal: timeout.signal, ref: false }).catch(() => {});
  await Promise.race([drained(req), timer]);
  timeout.abort();
}

function drained(req: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0;
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > LINGER_BYTES_MAX) {
        req.pause();
        resolve();
      }
    });
    for (const event of ['end', 'close', 'error'] as const) req.once(event, () => resolve());
  });
}
