import { Readable } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import type { ExtendableContext } from 'koa';
import { shapeOf } from '../../protocol/json-shape.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { ByteBudget } from '../base/byte-budget.ts';
import { checkHere } from '../base/check-body.ts';
import { discardBody, hasBody, parseJson, readBody } from '../base/json-body.ts';
import { networkOf } from '../base/network-of.ts';

/** How long a body may take, beside what a slow line takes for it. */
const READ_MS = 30_000;
const SHAPE = shapeOf(LIMITS.request_body_nodes_max);
/** How much of a body that was refused is still read, and for how long, so that the client gets to read why. */
const DISCARD = { bytes_max: 1024 * 1024, ms: 2_000 };

/** What each address may send. */
export function requestBudget(): ByteBudget {
  return new ByteBudget({
    bytes_per_s: LIMITS.request_bytes_per_s_max,
    burst_bytes: LIMITS.request_burst_bytes_max,
    time_share: 0.25,
  });
}

/**
 * Reads the JSON body of a public request. Rejects as `readBody` and `parseJson` do, and if there is no body or it is
 * not marked as JSON.
 */
export async function readJsonBody(ctx: ExtendableContext, budget: ByteBudget): Promise<unknown> {
  if (!hasBody(ctx.req)) throw new ErrandError('invalid', 'A JSON body is needed.');
  if (!ctx.request.is('application/json'))
    throw new ErrandError('unsupported_media_type', 'The body must be application/json.');
  if (!['', 'utf-8', 'utf8'].includes(ctx.request.charset.toLowerCase()))
    throw new ErrandError('unsupported_media_type', 'The body must be in UTF-8.');
  const key = networkOf(ctx.ip);
  const { request_body_bytes_max: bytes_max, request_bytes_per_s_min: bytes_per_s_min } = LIMITS;
  const bytes = await readBody(ctx.req, { bytes_max, read_ms: READ_MS, bytes_per_s_min, budget, key });
  return checkHere(
    bytes,
    (ms) => budget.spendTime(key, ms),
    () => parseJson(bytes, SHAPE),
  );
}

/**
 * To be called once the response is set. If the request's body was not read to its end, the connection cannot be used
 * again. Closing it at once would reset it, and the client might lose the response. So the whole response goes out
 * first, what still comes is discarded for a while, and then the connection is closed.
 */
export async function closeAfterUnreadBody(ctx: ExtendableContext): Promise<void> {
  const { req, body } = ctx;
  if (!hasBody(req) || req.complete) return;
  // A refusal without any wait comes before the rest of the packet was parsed.
  await setImmediate();
  if (req.complete) return;
  ctx.set('Connection', 'close');
  if (typeof body !== 'string') return;
  const { type } = ctx.response;
  ctx.body = Readable.from(sendThenDiscard(body, req));
  ctx.type = type;
  ctx.length = Buffer.byteLength(body);
}

async function* sendThenDiscard(response: string, request: IncomingMessage): AsyncGenerator<Buffer> {
  yield Buffer.from(response);
  await discardBody(request, DISCARD);
}
