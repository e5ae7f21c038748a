import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { runGit, startGit } from './process.ts';

/**
 * Whether `old` is an ancestor of `commit`, or `commit` itself. `pack`: what `commit` has beyond `old`. Git computes the
 * ids of what is in the pack, so the answer does not depend on whoever sent it. Rejects if git cannot read the pack.
 */
export async function descendsFrom(pack: Buffer, commit: string, old: string): Promise<boolean> {
  if (commit === old) return true;
  const folder = await mkdtemp(join(tmpdir(), 'errand-push-'));
  try {
    const format = commit.length === 64 ? 'sha256' : 'sha1';
    await runGit(['init', '-q', '--bare', '--template=', `--object-format=${format}`, folder]);
    await feed(['-C', folder, 'index-pack', '--stdin'], pack);
    const all = await runGit([
      '-C',
      folder,
      'cat-file',
      '--batch-all-objects',
      '--batch-check=%(objecttype) %(objectname)',
    ]);
    const commits = all.split('\n').flatMap((line) => (line.startsWith('commit ') ? [line.slice(7)] : []));
    const parents = await feed(
      ['-C', folder, 'rev-list', '--no-walk=unsorted', '--parents', '--stdin'],
      `${commits.join('\n')}\n`,
    );
    return reaches(parents, commit, old);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `lines`: a commit and its parents each. Parents that have no line are not in the pack: both sides have them. */
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

/** Runs git with this input. */
async function feed(args: string[], given: Buffer | string): Promise<string> {
  const { input, output, errors, exit } = startGit(args, {});
  input.on('error', () => undefined).end(given);
  const [printed, complaint, code] = await Promise.all([text(output).catch(() => ''), text(errors), exit]);
  if (code !== 0) throw new Error(`git ${args.join(' ')} failed (${code ?? 'killed'}): ${complaint.slice(0, 1000)}`);
  return printed;
}
