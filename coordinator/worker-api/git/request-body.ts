import type { IncomingMessage } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ErrandError } from '../../../protocol/problem.ts';

/**
 * The body of a request in chunks, unpacked where it came gzipped. Throws `too_large` once it is larger than `bytes_max`, unpacked. To stop reading
 * early leaves the request open: its answer has yet to be sent.
 */
export async function* requestBody(request: IncomingMessage, bytes_max: number): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of unpacked(request)) {
    size += chunk.length;
    if (size > bytes_max) throw new ErrandError('too_large', `The request is larger than ${bytes_max} bytes.`);
    yield chunk;
  }
}

/** The length of the body where it is known: where it was told, and the body is not packed. */
export function bodyLength(request: IncomingMessage): number | undefined {
  const { 'content-length': length, 'content-encoding': encoding } = request.headers;
  return encoding === undefined && length !== undefined ? Number(length) : undefined;
}

async function* unpacked(request: IncomingMessage): AsyncGenerator<Buffer> {
  const chunks: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false });
  const encoding = request.headers['content-encoding'];
  if (encoding === undefined || encoding === 'identity') return yield* chunks;
  if (encoding !== 'gzip' && encoding !== 'x-gzip')
    throw new ErrandError('unsupported_media_type', 'A body is taken as it is, or gzipped.');
  const gunzip = createGunzip();
  // The reader of `gunzip` gets the error of either.
  pipeline(Readable.from(chunks), gunzip, () => {});
  try {
    yield* gunzip;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && String(cause.code).startsWith('Z_'))
      throw new ErrandError('invalid', 'The body is not well gzipped.', { cause });
    throw cause;
  }
}
