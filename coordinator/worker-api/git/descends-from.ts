import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { GitSlots } from './git-slots.ts';
import { startGit } from './process.ts';

/** Each check holds a pack in memory: one at a time, on the whole server. */
const slots = new GitSlots({ at_once_max: 1, of_one_max: 1 });

/** In the head of a pack: its name, its version, and how many objects it has. */
const PACK_HEAD_BYTES = 12;
const COUNT_AT = 8;

/**
 * Whether `old` is an ancestor of `commit`, or `commit` itself. `packs` have what `commit` has beyond `old`. Git
 * computes the ids of what is in a pack, so the answer does not depend on whoever sent it. Rejects with `too_large`
 * for a pack of too many objects, and if git cannot read one.
 */
export async function descendsFrom(
  packs: Buffer[],
  commit: string,
  old: string,
  signal: AbortSignal,
): Promise<boolean> {
  if (commit === old) return true;
  const is_large = (pack: Buffer) =>
    pack.length < PACK_HEAD_BYTES || pack.readUInt32BE(COUNT_AT) > LIMITS.checked_pack_objects_max;
  if (packs.some(is_large))
    throw new ErrandError('too_large', `The push has more than ${LIMITS.checked_pack_objects_max} objects.`);
  const giveBack = await slots.take('push', signal);
  const folder = await mkdtemp(join(tmpdir(), 'errand-push-'));
  try {
    return reaches(await readParents(folder, packs, commit.length === 64 ? 'sha256' : 'sha1', signal), commit, old);
  } finally {
    await rm(folder, { recursive: true, force: true });
    giveBack();
  }
}

/** A line for each commit of the packs: its id, and those of its parents. */
async function readParents(folder: string, packs: Buffer[], format: string, signal: AbortSignal): Promise<string> {
  const git = (args: string[], input: Buffer | string = '') => run(['-C', folder, ...args], input, signal);
  await git(['init', '-q', '--bare', '--template=', `--object-format=${format}`]);
  // Git does not store a pack without objects.
  for (const pack of packs) if (pack.readUInt32BE(COUNT_AT) > 0) await git(['index-pack', '--stdin'], pack);
  const all = await git(['cat-file', '--batch-all-objects', '--batch-check=%(objecttype) %(objectname)']);
  const commits = all.split('\n').flatMap((line) => (line.startsWith('commit ') ? [line.slice(7)] : []));
  return git(['rev-list', '--no-walk=unsorted', '--parents', '--stdin'], `${commits.join('\n')}\n`);
}

/** `lines`: a commit and its parents each. Parents that have no line are not in the packs: both sides have them. */
function reaches(lines: string, commit: string, old: string): boolean {
  const parents = new Map(lines.split('\n').map((line) => [line.slice(0, old.length), line.split(' ').slice(1)]));
  const waiting = [commit];
  const seen = new Set(waiting);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop())
    for (const parent of parents.get(next) ?? []) {
      if (parent === old) return true;
      if (!seen.has(parent)) waiting.push(parent);
      seen.add(parent);
    }
  return false;
}

async function run(args: string[], given: Buffer | string, signal: AbortSignal): Promise<string> {
  const { input, output, errors, exit } = startGit(args, { signal });
  input.on('error', () => undefined).end(given);
  const [printed, complaint, code] = await Promise.all([text(output).catch(() => ''), text(errors), exit]);
  if (code !== 0) throw new Error(`git ${args.join(' ')} failed (${code ?? 'killed'}): ${complaint.slice(0, 1000)}`);
  return printed;
}
