import type { Readable } from 'node:stream';
import { FLUSH, PktReader, pktLine } from './pkt-line.ts';

/** Of the lines up to the first ref: the name of the service, perhaps a version, and the ref with what is supported. */
const LINES_BYTES_MAX = 64 * 1024;
/** What may be before the first ref. In place of that there may be an error, or nothing. */
const BEFORE_REFS = /^(?:# service=|version )/;

/**
 * What a repository says before a push, and in addition that it takes no thin pack: a pack that is checked is read
 * without the repository, which has what the deltas of such a pack are made against.
 */
export async function* withoutThinPacks(answer: Readable): AsyncGenerator<Buffer> {
  try {
    const reader = new PktReader(answer[Symbol.asyncIterator](), LINES_BYTES_MAX);
    let [flushes, goes_on] = [0, true];
    while (goes_on) {
      const line = await reader.next();
      if (line === null) {
        // The first one is behind the name of the service.
        goes_on = ++flushes === 1;
        yield FLUSH;
      } else {
        const text = line.toString('latin1');
        goes_on = BEFORE_REFS.test(text);
        // Behind the name of the first ref is what the repository supports, after a NUL.
        yield pktLine(text.includes('\0') ? `${text.trimEnd()} no-thin\n` : line);
      }
    }
    yield* reader.rest();
  } finally {
    answer.on('error', () => undefined).destroy();
  }
}
