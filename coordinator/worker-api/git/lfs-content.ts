import { createHash } from 'node:crypto';
import type { LfsObject } from '../../../protocol/lfs.ts';
import { ErrandError } from '../../../protocol/problem.ts';

/**
 * Passes the content of an object on. The last piece follows once all of them were checked, so whoever was told the
 * length never gets a whole object with other content. Throws `invalid`.
 */
export async function* checkedContent(chunks: AsyncIterable<Buffer>, { oid, size }: LfsObject): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let bytes = 0;
  let held: Buffer | undefined;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > size) break;
    hash.update(chunk);
    if (held) yield held;
    held = chunk;
  }
  if (bytes !== size || hash.digest('hex') !== oid)
    throw new ErrandError('invalid', `What was sent is not the object ${oid} of ${size} bytes.`);
  if (held) yield held;
}
