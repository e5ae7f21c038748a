import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { ExtendableContext, Next } from 'koa';

/** A shorter answer is not worth compressing. */
const COMPRESSED_BYTES_MIN = 1024;
/** A longer one is sent as it is: compressing it would keep a thread for too long. No page of a list is that long. */
const COMPRESSED_BYTES_MAX = 8 * 1024 * 1024;
/** The lowest quality that makes JSON five times smaller. More costs CPU, and a phone does not notice it. */
const BROTLI_QUALITY = 4;

const COMPRESS = {
  br: (body: Buffer) =>
    promisify(brotliCompress)(body, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
  gzip: (body: Buffer) => promisify(gzip)(body),
};

/**
 * Middleware that answers a GET with 304 if the client has this answer already, and compresses it otherwise. What may
 * not be stored, such as tokens, and what has an encoding of its own, is left as it is.
 */
export async function encodeAnswer(ctx: ExtendableContext, next: Next): Promise<void> {
  await next();
  const { body } = ctx;
  const isFixed = ctx.res.hasHeader('Content-Encoding') || ctx.response.get('Cache-Control') === 'no-store';
  if (ctx.method !== 'GET' || ctx.status !== 200 || typeof body !== 'string' || isFixed) return;
  const bytes = Buffer.from(body);
  ctx.vary('Accept-Encoding');
  // Weak: each encoding of the same answer is equally good.
  ctx.set('ETag', `W/"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`);
  if (ctx.fresh) {
    ctx.status = 304;
    return;
  }
  if (bytes.length < COMPRESSED_BYTES_MIN || bytes.length > COMPRESSED_BYTES_MAX) return;
  // In the order of what is best: browsers name them in another.
  const encoding = (['br', 'gzip'] as const).find((name) => ctx.acceptsEncodings(name, 'identity') === name);
  if (encoding === undefined) return;
  const { type } = ctx;
  ctx.body = await COMPRESS[encoding](bytes);
  ctx.type = type;
  ctx.set('Content-Encoding', encoding);
}
