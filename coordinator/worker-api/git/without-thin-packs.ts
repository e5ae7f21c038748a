import type { Readable } from 'node:stream';
import { FLUSH, PktReader, pktLine } from './pkt-line.ts';

/** Of the lines up to the first ref: the name of the service, perhaps a version, and the ref with what is supported. */
const LINES_BYTES_MAX = 64 * 1024;

/**
 * What a repository says before a push, and in addition that it takes no thin pack: a pack that is checked is read
 * without the repository, which has what the deltas of such a pack are made against.
 */
export async function* withoutThinPacks(answer: Readable): AsyncGenerator<Buffer> {
  try {
    const reader = new PktReader(answer[Symbol.asyncIterator](), LINES_BYTES_MAX);
    for (let has_refs = false; !has_refs;) {
      const line = await reader.next();
      // Behind the name of the first ref is what the repository supports, after a NUL.
      has_refs = line?.includes(0) ?? false;
      if (line === null) yield FLUSH;
      else yield pktLine(has_refs ? `${line.toString('latin1').trimEnd()} no-thin\n` : line);
    }
    yield* reader.rest();
  } finally {
    answer.on('error', () => undefined).destroy();
  }
}
