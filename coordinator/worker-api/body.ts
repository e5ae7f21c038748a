import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { ErrandError } from '../../protocol/problem.ts';

/** How long a caller may take to send a body. */
const BODY_MS = 30_000;
/** What is read of a body that was refused, so that its sender comes to read the refusal; then the connection is cut. */
const REFUSED_BYTES_MAX = 32 * 1024 * 1024;
const REFUSAL_MS = 1_000;

/**
 * The request's body as parsed JSON. Rejects with `too_large` past `bytes_max`, with `invalid` where it is not JSON in UTF-8 or is not whole, or took
 * too long.
 */
export async function readJson(request: IncomingMessage, bytes_max: number): Promise<unknown> {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw new ErrandError('unsupported_media_type', `A body in ${encoding} is not taken.`);
  const bytes = await readBytes(request, bytes_max);
  if (!isUtf8(bytes)) throw new ErrandError('invalid', 'The body is not UTF-8.');
  try {
    return JSON.parse(bytes.toString());
  } catch (error) {
    throw new ErrandError('invalid', 'The body is not JSON.', { cause: error });
  }
}

/** The request's body as it is. Rejects with `too_large` past `bytes_max`, with `invalid` where it is not whole, or took too long. */
export function readBytes(request: IncomingMessage, bytes_max: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const refuse = () => reject(new ErrandError('too_large', `The body is longer than ${bytes_max} bytes.`));
    const late = setTimeout(() => {
      reject(new ErrandError('invalid', 'The body did not come in time.'));
      setTimeout(() => request.destroy(), REFUSAL_MS).unref();
    }, BODY_MS);
    if (Number(request.headers['content-length'] ?? 0) > bytes_max) refuse();
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= bytes_max) return chunks.push(chunk);
      chunks.length = 0;
      return length > bytes_max + REFUSED_BYTES_MAX ? request.destroy() : refuse();
    });
    request.once('end', () => resolve(Buffer.concat(chunks)));
    request.once('close', () => {
      clearTimeout(late);
      if (!request.complete) reject(new ErrandError('invalid', 'The body ended early.'));
    });
  });
}
