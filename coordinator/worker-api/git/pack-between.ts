import { Readable } from 'node:stream';
import { ErrandError } from '../../../protocol/problem.ts';
import type { AskRepository } from './backend.ts';
import { FLUSH, PktReader, pktLine } from './pkt-line.ts';

/** Of the lines before a pack, in which the repository says what both sides have. */
const LINES_BYTES_MAX = 64 * 1024;

/**
 * The pack with what `commit` has beyond `old`, as `git fetch` gets it; with the commits alone, where the repository
 * can leave out the rest. Reading it rejects with `upstream_unreachable` if the answer is something else.
 */
export async function packBetween(
  ask: AskRepository,
  old: string,
  commit: string,
  can_filter: boolean,
): Promise<AsyncIterable<Buffer>> {
  const capabilities = `ofs-delta no-progress${can_filter ? ' filter' : ''} agent=errand`;
  const wants = [
    pktLine(`want ${commit} ${capabilities}\n`),
    ...(can_filter ? [pktLine('filter tree:0\n')] : []),
    FLUSH,
  ];
  const request = Buffer.concat([...wants, pktLine(`have ${old}\n`), pktLine('done\n')]);
  const { body } = await ask({
    service: 'git-upload-pack',
    headers: {},
    body: { chunks: Readable.from([request]), bytes: request.length },
  });
  return packIn(body);
}

async function* packIn(answer: Readable): AsyncGenerator<Buffer> {
  try {
    const reader = new PktReader(answer[Symbol.asyncIterator](), LINES_BYTES_MAX);
    try {
      while (!(await reader.startsWith('PACK'))) await reader.next();
    } catch (cause) {
      const message = 'The repository answered a fetch with something else than a pack.';
      throw new ErrandError('upstream_unreachable', message, { cause });
    }
    yield* reader.rest();
  } finally {
    answer.on('error', () => undefined).destroy();
  }
}
