import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

/** The SHA-256 of a file, or of `bytes` of it from `start` on, hexadecimal. */
export async function checksumOf(path: string, start = 0, bytes = Infinity): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { start, end: start + bytes - 1 }), hash);
  return hash.digest('hex');
}
