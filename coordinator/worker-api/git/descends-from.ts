import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import type { PackFolder } from './pack-folders.ts';
import { startGit } from './process.ts';

/** In the head of a pack: its name, its version, and how many objects it has. */
const PACK_HEAD_BYTES = 12;
const COUNT_AT = 8;
/** Of a list of objects or parents: 50,000 commits with two parents each take half of it. */
const LIST_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Whether `old` is an ancestor of `commit`, or `commit` itself. `packs`: the paths of those in `folder` that have what
 * `commit` has beyond `old`. Git computes the ids of what is in a pack, so the answer does not depend on whoever sent
 * it. Rejects with `too_large` for a pack of too many objects, and if git cannot read one.
 */
export async function descendsFrom(folder: PackFolder, packs: string[], commit: string, old: string): Promise<boolean> {
  if (commit === old) return true;
  const filled: string[] = [];
  for (const pack of packs) {
    const objects = await countObjects(pack);
    if (objects > LIMITS.checked_pack_objects_max)
      throw new ErrandError('too_large', `The push has more than ${LIMITS.checked_pack_objects_max} objects.`);
    // Git does not store a pack without objects.
    if (objects > 0) filled.push(pack);
  }
  const format = commit.length === 64 ? 'sha256' : 'sha1';
  const lines = await folder.withRepository((path) => readParents(path, filled, format, folder.signal));
  return reaches(lines, commit, old);
}

/** How many objects a pack says that it has. Infinity: it is not one. */
async function countObjects(path: string): Promise<number> {
  await using file = await open(path);
  const { bytesRead, buffer } = await file.read(Buffer.alloc(PACK_HEAD_BYTES), 0, PACK_HEAD_BYTES);
  return bytesRead < PACK_HEAD_BYTES ? Infinity : buffer.readUInt32BE(COUNT_AT);
}

/** A line for each commit of the packs: its id, and those of its parents. */
async function readParents(path: string, packs: string[], format: string, signal: AbortSignal): Promise<string> {
  const git = (args: string[], input = Readable.from([''])) => run(['-C', path, ...args], input, signal);
  await git(['init', '-q', '--bare', '--template=', `--object-format=${format}`]);
  for (const pack of packs) await git(['index-pack', '--stdin'], createReadStream(pack));
  const all = await git(['cat-file', '--batch-all-objects', '--batch-check=%(objecttype) %(objectname)']);
  const commits = all.split('\n').flatMap((line) => (line.startsWith('commit ') ? [line.slice(7)] : []));
  const listed = Readable.from([`${commits.join('\n')}\n`]);
  return git(['rev-list', '--no-walk=unsorted', '--parents', '--stdin'], listed);
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

async function run(args: string[], given: Readable, signal: AbortSignal): Promise<string> {
  const { input, output, errors, exit } = startGit(args, { signal, output_bytes_max: LIST_BYTES_MAX });
  // Git may stop reading before the end, and says why.
  const sent = pipeline(given, input).catch(() => undefined);
  const [printed, complaint, code] = await Promise.all([text(output).catch(() => ''), text(errors), exit, sent]);
  if (code !== 0) throw new Error(`git ${args.join(' ')} failed (${code ?? 'killed'}): ${complaint.slice(0, 1000)}`);
  return printed;
}
