import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import type { AskRepository } from './backend.ts';
import { FLUSH, pktLine } from './pkt-line.ts';

/**
 * The pack with what `commit` has beyond `old`, as `git fetch` gets it; with the commits alone, where the repository
 * can leave out the rest. Rejects with `too_large`.
 */
export async function packBetween(
  ask: AskRepository,
  old: string,
  commit: string,
  can_filter: boolean,
): Promise<Buffer> {
  const capabilities = `ofs-delta no-progress${can_filter ? ' filter' : ''} agent=errand`;
  const wants = [
    pktLine(`want ${commit} ${capabilities}\n`),
    ...(can_filter ? [pktLine('filter tree:0\n')] : []),
    FLUSH,
  ];
  const request = Buffer.concat([...wants, pktLine(`have ${old}\n`), pktLine('done\n')]);
  const body = { chunks: bytesOf(request), bytes: request.length };
  const answer = await ask({ service: 'git-upload-pack', headers: {}, body });
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer.body) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('The body of an answer has to be bytes.');
    bytes += chunk.length;
    if (bytes > LIMITS.named_branch_pack_bytes_max)
      throw new ErrandError('too_large', 'The push brings too much to a branch that a person named.');
    chunks.push(chunk);
  }
  return packOf(Buffer.concat(chunks));
}

async function* bytesOf(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

/** What follows the lines in which the repository says what both sides have. */
function packOf(answer: Buffer): Buffer {
  for (let at = 0; at + 4 <= answer.length;) {
    const prefix = answer.toString('latin1', at, at + 4);
    if (prefix === 'PACK') return answer.subarray(at);
    const length = /^[0-9a-f]{4}$/i.test(prefix) ? parseInt(prefix, 16) : 0;
    if (prefix !== '0000' && length < 4) break;
    at += Math.max(length, 4);
  }
  throw new ErrandError('upstream_unreachable', 'The repository answered a fetch with something else than a pack.');
}
