import type { IncomingMessage } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ErrandError } from '../../../protocol/problem.ts';

/**
 * The request body in chunks, decompressed where it is gzipped. Throws `too_large` once it has more than `bytes_max`
 * decompressed bytes. A reader that stops early does not close the request, so that the response can still be sent.
 */
export async function* requestBody(request: IncomingMessage, bytes_max: number): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of decompressed(request)) {
    size += chunk.length;
    if (size > bytes_max) throw new ErrandError('too_large', `The request is larger than ${bytes_max} bytes.`);
    yield chunk;
  }
}

/** The length of the body in bytes; undefined where it was not declared, or the body is compressed. */
export function bodyLength(request: IncomingMessage): number | undefined {
  const { 'content-length': length, 'content-encoding': encoding } = request.headers;
  return encoding === undefined && length !== undefined ? Number(length) : undefined;
}

async function* decompressed(request: IncomingMessage): AsyncGenerator<Buffer> {
  const chunks: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false });
  const encoding = request.headers['content-encoding'];
  if (encoding === undefined || encoding === 'identity') return yield* chunks;
  if (encoding !== 'gzip' && encoding !== 'x-gzip')
    throw new ErrandError('unsupported_media_type', 'The content encoding of a body must be gzip or identity.');
  const gunzip = createGunzip();
  // An error of either stream reaches the reader of `gunzip`.
  pipeline(Readable.from(chunks), gunzip, () => {});
  try {
    yield* gunzip;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && String(cause.code).startsWith('Z_'))
      throw new ErrandError('invalid', 'The body is not valid gzip.', { cause });
    throw cause;
  }
}
