import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { branchPrefix } from '../../domain/task.ts';
import type { AskRepository } from './backend.ts';
import { descendsFrom } from './descends-from.ts';
import { FLUSH, pktLine } from './pkt-line.ts';
import type { Push, PushCommand } from './push-commands.ts';
import { readRefs } from './read-refs.ts';

/** The ref of a branch, with a character for each byte, as commands have it. */
export function refOf(branch: string): string {
  return `refs/heads/${Buffer.from(branch).toString('latin1')}`;
}

/** The command of a push that is for the branch that the person named; undefined: there is none. */
export function commandFor({ commands }: Push, work_branch: string | null): PushCommand | undefined {
  return commands.find(({ ref }) => work_branch !== null && ref === refOf(work_branch));
}

/**
 * Why the branch that a person named may not be moved so; null: it may. Others work on that branch too, so it only goes
 * forward: the new commit has the present one among its ancestors. The repository itself refuses the push if the branch
 * is moved once more before it arrives.
 */
export async function refusalOfNamed(
  ask: AskRepository,
  task_id: string,
  { old, new: commit, ref }: PushCommand,
  signal: AbortSignal,
): Promise<string | null> {
  const { head, refs, can_filter } = await readRefs(ask);
  if (head === undefined) return 'the repository does not say which branch is the default one';
  if (head === ref) return 'it is the default branch, to which errands never push';
  const current = refs.get(ref);
  if (current === undefined) return /^0+$/.test(old) ? null : 'the branch does not exist any more';
  if (current !== old) return 'somebody has pushed to the branch: fetch first';
  const own = `refs/heads/${branchPrefix(task_id)}`;
  const is_there = [...refs].some(([name, id]) => id === commit && inOwn(name, own));
  if (!is_there) return `push the commit to ${own}* first`;
  if (await descendsFrom(await packBetween(ask, old, commit, can_filter), commit, old, signal)) return null;
  return 'the commit does not contain the present one of the branch: merge it, and keep its commits';
}

function inOwn(name: string, own: string): boolean {
  return name.startsWith(own) || name.startsWith(`refs/heads/${own.slice('refs/heads/'.length).replaceAll('/', '-')}`);
}

/**
 * The pack with what `commit` has beyond `old`, as `git fetch` gets it; with the commits alone, where the repository can
 * leave out the rest. Rejects with `too_large`.
 */
async function packBetween(ask: AskRepository, old: string, commit: string, can_filter: boolean): Promise<Buffer> {
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
