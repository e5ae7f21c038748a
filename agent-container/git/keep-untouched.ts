import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openRegularFile } from '../base/regular-file.ts';
import { readAttributes } from './attributes.ts';
import { readBlobs } from './blobs.ts';
import { emptyTree } from './diff.ts';
import { splitNul, type Git } from './git.ts';
import { tracking } from './own-repository.ts';
import type { Repositories } from './repositories.ts';
import { readRecord } from './workspace-record.ts';

/** Where more files than this have changed they are not compared with those of the commit: a cancel waits for it. */
const COMPARED_MAX = 5_000;
/** A command may have put anything into the agent's repository. */
const READ_MS = 30_000;
/** The attributes that say in what form git stores a file. */
const FORM = ['text', 'eol', 'crlf', 'filter', 'ident', 'working-tree-encoding'];

type Changed = { mode: string; id: string; path: string };

/**
 * Puts files back into the worker's index whose bytes are those of the commit: git has stored them in another form
 * only because of `.gitattributes`, such as with other line endings, and nobody has changed them. What the agent has
 * staged itself is its own; and where the work changes the attributes of a file, the other form is what it wants.
 */
export async function keepUntouched(repos: Repositories, commit: string): Promise<void> {
  const { own, agents } = repos;
  const changed = await changedFiles(own, commit);
  if (changed.length === 0 || changed.length > COMPARED_MAX) return;
  const same = await withSameBytes(own, changed);
  if (same.length === 0) return;
  const args = ['diff-index', '--cached', '--name-only', '-z', '--no-renames', commit];
  const staged = await agents.try(args, { time_limit_ms: READ_MS, stdout_bytes_max: 64 << 20 });
  const by_agent = new Set(staged.code === 0 ? splitNul(staged.stdout) : []);
  const unstaged = same.filter(({ path }) => !by_agent.has(path));
  const kept = await withSameForm(repos, commit, new Set(unstaged.map(({ path }) => path)));
  const entries = unstaged
    .filter(({ path }) => kept.has(path))
    .map(({ mode, id, path }) => `${mode} ${id} 0\t${path}\0`);
  if (entries.length > 0) await own.run(['update-index', '-z', '--index-info'], { input: entries.join('') });
}

/** The files that the index has otherwise than the commit. `mode` and `id`: of the commit. */
async function changedFiles(own: Git, commit: string): Promise<Changed[]> {
  const options = ['--cached', '--raw', '-z', '--no-abbrev', '--no-renames', '--diff-filter=M'];
  const raw = await own.run(['diff-index', ...options, commit]);
  return [...raw.matchAll(/:100\d{3} (100\d{3}) (\w+) \w+ M\0([^\0]+)\0/g)].flatMap(
    // The path was not UTF-8.
    ([, mode = '', id = '', path = '']) => (path.includes('\uFFFD') ? [] : [{ mode, id, path }]),
  );
}

/** The agent works at the same time: a file may be gone, or become something else. */
async function withSameBytes(own: Git, changed: Changed[]): Promise<Changed[]> {
  const sizes = new Map((await readBlobs(own, changed)).map(({ id, size }) => [id, size]));
  const same: Changed[] = [];
  for (const { mode, id, path } of changed) {
    const is_same = await isBlob(join(own.dir, path), { id, size: sizes.get(id) }, own.signal).catch(() => false);
    own.signal.throwIfAborted();
    if (is_same) same.push({ mode, id, path });
  }
  return same;
}

/** Whether a file's bytes, as they are, are those of a blob. No more are read: a command may go on writing a file. */
async function isBlob(
  path: string,
  { id, size }: { id: string; size: number | undefined },
  signal: AbortSignal,
): Promise<boolean> {
  const file = await openRegularFile(path);
  if (!file) return false;
  try {
    if ((await file.stat()).size !== size) return false;
    const hash = createHash(id.length === 64 ? 'sha256' : 'sha1').update(`blob ${size}\0`);
    const chunks: AsyncIterable<Buffer> = file.createReadStream({ autoClose: false, end: size, signal });
    for await (const chunk of chunks) hash.update(chunk);
    return hash.digest('hex') === id;
  } finally {
    await file.close();
  }
}

/**
 * Those of the files whose form the work does not change: the attributes in the index are those in the commit and in a
 * base.
 */
async function withSameForm(repos: Repositories, commit: string, paths: Set<string>): Promise<Set<string>> {
  const as_commit = await sameFormAs(repos.own, commit, paths);
  let kept = new Set<string>();
  for (const base of await basesOf(repos, commit)) kept = kept.union(await sameFormAs(repos.own, base, as_commit));
  return kept;
}

async function sameFormAs(own: Git, tree: string, paths: Set<string>): Promise<Set<string>> {
  const { code } = await own.try(['diff-index', '--cached', '--quiet', tree, '--', ':(glob)**/.gitattributes']);
  if (code === 0 || paths.size === 0) return paths;
  const env = { GIT_INDEX_FILE: join(own.git_dir, 'other-index') };
  try {
    await own.run(['read-tree', tree], { env });
    const [now, then] = await Promise.all([formOf(own, paths), formOf(own, paths, env)]);
    return new Set([...paths].filter((path) => now.get(path) === then.get(path)));
  } finally {
    for (const end of ['', '.lock']) await rm(`${env.GIT_INDEX_FILE}${end}`, { force: true });
  }
}

/** What the attributes of an index say of the form of files. */
async function formOf(own: Git, paths: Set<string>, env: Record<string, string> = {}): Promise<Map<string, string>> {
  const attributes = await readAttributes(own, [...paths], FORM, { options: ['--cached'], env });
  return new Map([...attributes].map(([path, values]) => [path, values.join(' ')]));
}

/** What the work goes on from: where the task started, and the newest commits of others that it contains. */
async function basesOf({ own, agents }: Repositories, commit: string): Promise<string[]> {
  const record = await readRecord(own);
  if (record === null) return [commit];
  const { base_commit, base_branch, work_branch = base_branch } = record;
  const refs = [...new Set([base_branch, work_branch])].map(tracking);
  // The agent may have fetched newer ones.
  const merged = await Promise.all(
    [own, agents].flatMap((git) => refs.map((ref) => git.try(['merge-base', ref, commit], { time_limit_ms: READ_MS }))),
  );
  const ids = merged.flatMap(({ code, stdout }) => (code === 0 ? [stdout.toString('utf8').trim()] : []));
  // Where the history here is a shallow one, the agent may have more of it.
  const here = await Promise.all([...new Set(ids)].map((id) => own.commit(id)));
  return [...new Set([base_commit ?? (await emptyTree(own)), ...here.filter((id) => id !== null)])];
}
