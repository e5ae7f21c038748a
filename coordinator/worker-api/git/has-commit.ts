import { Readable } from 'node:stream';
import { ErrandError } from '../../../protocol/problem.ts';
import type { AskRepository } from './backend.ts';
import { FLUSH, PktReader, pktLine } from './pkt-line.ts';

const LINES_BYTES_MAX = 64 * 1024;

/**
 * Whether the repository gives this commit to a fetch: a branch or tag has it or, at forges that give every object that
 * they store, it was pushed there once. Says that it is here already, so that it is not sent. Rejects where the
 * repository does not say.
 */
export async function hasCommit(ask: AskRepository, commit: string): Promise<boolean> {
  const wanted = [pktLine(`want ${commit} ofs-delta no-progress agent=errand\n`), FLUSH];
  const request = Buffer.concat([...wanted, pktLine(`have ${commit}\n`), pktLine('done\n')]);
  const { body } = await ask({
    service: 'git-upload-pack',
    headers: {},
    body: { chunks: Readable.from([request]), bytes: request.length },
  });
  try {
    const reader = new PktReader(body[Symbol.asyncIterator](), LINES_BYTES_MAX);
    const line = (await reader.next())?.toString('latin1') ?? '';
    if (/^(ACK|NAK)\b/.test(line)) return true;
    if (/^ERR .*not our ref/.test(line)) return false;
    throw new ErrandError('upstream_unreachable', 'The repository does not say whether it has a commit.');
  } finally {
    body.on('error', () => undefined).destroy();
  }
}
