import { cp, lstat, mkdir, readFile, writeFile } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../base/error-code.ts';
import { readRegularFile } from '../base/regular-file.ts';
import type { Git } from './git.ts';
import { HEAD_REF, readRef, tracking, type Branches } from './own-repository.ts';
import { LFS_FILTER } from './lfs-settings.ts';
import type { Repositories } from './repositories.ts';
import type { WorkspaceRecord } from './workspace-record.ts';

/** A command in the agent's repository may run into anything: a pipe in place of a file, an endless file. */
const READ_MS = 5_000;
const FETCH_MS = 60_000;
const HEADS_MAX = 8;
const MERGE_HEADS_BYTES_MAX = 4096;

/** The files that git reads at once, and how long they may be. */
const FILES_BYTES_MAX: [name: string, bytes_max: number][] = [
  ['HEAD', 4096],
  ['config', 1 << 20],
  ['shallow', 1 << 20],
  ['packed-refs', 256 << 20],
  ['index', 1 << 30],
];

/** What git leaves in its directory while an operation is not finished. */
const OPERATIONS: [name: string, operation: string][] = [
  ['rebase-merge', 'rebase'],
  ['rebase-apply', 'rebase'],
  ['MERGE_HEAD', 'merge'],
  ['CHERRY_PICK_HEAD', 'cherry-pick'],
  ['REVERT_HEAD', 'revert'],
  ['BISECT_LOG', 'bisect'],
];

/** What can be read of the agent's repository. */
export type AgentState = {
  /** Its HEAD; null if it has none that can be read. */
  head: string | null;
  /** The other parents of an unfinished merge. */
  merge_heads: string[];
  /** The operation that is not finished. */
  operation: string | null;
  /** Why the agent's git would not work here; null: it does. The text follows "The .git folder". */
  fault: string | null;
};

/**
 * Reads the state of the agent's repository. It never fails: what cannot be read is not there. A working tree that was
 * removed is made, since git cannot be started without that folder.
 */
export async function readAgentState({ own, agents }: Repositories): Promise<AgentState> {
  await mkdir(own.dir, { recursive: true }).catch(() => undefined);
  const fault = await faultOfFiles(agents.git_dir);
  if (fault !== null) return { head: null, merge_heads: [], operation: null, fault };
  const [head, merge_heads, operation, settings, unmerged, last] = await Promise.all([
    quick(agents, ['rev-parse', '--verify', '-q', 'HEAD^{commit}']),
    readRegularFile(join(agents.git_dir, 'MERGE_HEAD'), MERGE_HEADS_BYTES_MAX),
    unfinishedOperation(agents.git_dir),
    quick(agents, ['config', '--list']),
    quick(agents, ['ls-files', '-u']),
    own.commit(HEAD_REF),
  ]);
  return {
    head: head === null || head === '' ? null : head,
    merge_heads: (merge_heads?.toString() ?? '').split('\n').filter((line) => /^[0-9a-f]{40,64}$/.test(line)),
    operation,
    fault:
      faultOfSettings(settings) ??
      (unmerged === null ? 'has an index that git cannot read' : null) ??
      (head === null && last !== null ? 'has a HEAD without a commit that git can read' : null),
  };
}

/** Runs git in the agent's repository for a while; null if it fails. */
async function quick(agents: Git, args: string[]): Promise<string | null> {
  const { code, stdout } = await agents.try(args, { time_limit_ms: READ_MS });
  return code === 0 ? stdout.toString('utf8').trim() : null;
}

async function faultOfFiles(git_dir: string): Promise<string | null> {
  const stats = (name: string) => lstat(join(git_dir, name)).catch(() => null);
  const top = await stats('.');
  if (top === null) return 'is missing';
  if (!(await lstat(git_dir)).isDirectory()) return 'is not a folder';
  for (const name of ['objects', 'refs'])
    if (!((await stats(name))?.isDirectory() ?? false)) return `has no folder ${name}`;
  if (await stats('commondir')) return 'points to another repository';
  if ((await stats('HEAD')) === null) return 'has no HEAD';
  for (const [name, bytes_max] of FILES_BYTES_MAX) {
    const found = await stats(name);
    if (found !== null && !found.isFile()) return `has something else than a file as ${name}`;
    if (found !== null && found.size > bytes_max) return `has a ${name} of ${found.size} bytes`;
  }
  return null;
}

function faultOfSettings(list: string | null): string | null {
  if (list === null) return 'has settings that git cannot read';
  if (!/^errand\.task=/im.test(list)) return 'is not the one that was made for the task';
  if (/^core\.bare=(true|yes|on|1)$/im.test(list)) return 'is set to be bare';
  if (/^core\.worktree=/im.test(list)) return 'is set to another working tree';
  return null;
}

async function unfinishedOperation(git_dir: string): Promise<string | null> {
  for (const [name, operation] of OPERATIONS) if (await lstat(join(git_dir, name)).catch(() => null)) return operation;
  return null;
}

/**
 * Brings commits of the agent's repository into the worker's own, with all that they need. Returns those that could be
 * brought.
 */
export async function importCommits({ own, agents }: Repositories, commits: string[]): Promise<string[]> {
  const imported: string[] = [];
  for (const commit of commits.slice(0, HEADS_MAX))
    if ((await own.commit(commit)) !== null || (await fetchFrom(own, agents, commit))) imported.push(commit);
  return imported;
}

/** Git checks what it fetches: the commit is there, and all that it needs, or nothing of it. */
async function fetchFrom(to: Git, from: Git, commit: string): Promise<boolean> {
  const upload_pack = '--upload-pack=git -c safe.directory=* upload-pack';
  const flags = ['-q', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--update-shallow'];
  const args = ['fetch', ...flags, upload_pack, from.git_dir, commit];
  const { code } = await to.try(args, { time_limit_ms: FETCH_MS });
  return code === 0;
}

export type Author = { name: string; email: string };

/**
 * Makes the agent's repository from the worker's own: on the task's branch, at `HEAD_REF`, with the worker's index. No
 * file of the working tree changes. The files are written here, since each run of git delays the start of the work.
 */
export async function createAgents(
  { own, agents }: Repositories,
  { task_id, workspace, branch, base_branch, work_branch }: WorkspaceRecord,
  { url, author }: { url: string; author: Author },
): Promise<void> {
  const { git_dir } = agents;
  const folders = ['info', 'hooks', 'refs/heads', 'refs/tags', tracking('')];
  await Promise.all(folders.map((name) => mkdir(join(git_dir, name), { recursive: true })));
  const settings = {
    'remote "origin"': { url, fetch: '+refs/heads/*:refs/remotes/origin/*' },
    ...authorSettings(author),
    errand: { task: task_id, workspace },
    ...(own.has_lfs && { 'filter "lfs"': LFS_FILTER, lfs: { locksverify: 'false', concurrenttransfers: '3' } }),
  };
  const write = (name: string, text: string, mode = 0o644) => writeFile(join(git_dir, name), text, { mode });
  // The worker's own says the format of the repository.
  const format = readFile(join(own.git_dir, 'config'), 'utf8');
  // Side by side: each takes a turn or more of the disk's threads, and the person waits for all.
  await Promise.all([
    format.then((text) => write('config', text + configText(settings))),
    write('HEAD', `ref: refs/heads/${work_branch ?? branch}\n`),
    own.has_lfs && write('hooks/pre-push', '#!/bin/sh\nexec git lfs pre-push "$@"\n', 0o755),
    copyRefs(own, agents, { branch, base_branch, work_branch }),
    // A copy, not links: what the agent does to its objects must not reach the worker's.
    ...['objects', 'shallow', 'index', 'info/exclude'].map((name) =>
      copy(join(own.git_dir, name), join(git_dir, name)),
    ),
  ]);
}

/** Copies a file or folder, if it is there. */
async function copy(from: string, to: string): Promise<void> {
  try {
    await cp(from, to, { recursive: true, mode: constants.COPYFILE_FICLONE });
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

/** Who commits are by; twice, so that a later attempt sees what a command has set to something else. */
export const authorSettings = ({ name, email }: Author) => ({
  user: { name, email },
  'errand "author"': { name, email },
});

/** Settings as a text of git's configuration. */
export function configText(sections: Record<string, Record<string, string>>): string {
  const quoted = (value: string) => `"${value.replaceAll(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`;
  return Object.entries(sections)
    .map(([name, values]) => [
      `[${name}]`,
      ...Object.entries(values).map(([key, value]) => `\t${key} = ${quoted(value)}`),
      '',
    ])
    .flat()
    .join('\n');
}

/** The refs are one file, as `git pack-refs` makes it. */
async function copyRefs(own: Git, agents: Git, { branch, base_branch, work_branch = branch }: Branches): Promise<void> {
  const names = [...new Set([branch, base_branch, work_branch])].map(tracking);
  const copies: [from: string, to: string][] = [
    [HEAD_REF, `refs/heads/${work_branch}`],
    ...names.map((name): [string, string] => [name, name]),
  ];
  const packed = await Promise.all(
    copies.map(async ([from, to]) => {
      const commit = await readRef(own, from);
      return commit === null ? '' : `${commit} ${to}\n`;
    }),
  );
  await writeFile(join(agents.git_dir, 'packed-refs'), packed.join(''));
  if ((await readRef(own, tracking(base_branch))) !== null)
    await writeFile(join(agents.git_dir, tracking('HEAD')), `ref: ${tracking(base_branch)}\n`);
}

/** Moves the agent's HEAD and index to a commit of the working tree. No file changes. False: its git does not work. */
export async function moveHeadTo({ own, agents }: Repositories, commit: string): Promise<boolean> {
  await own.run(['update-ref', HEAD_REF, commit]);
  if ((await readAgentState({ own, agents })).fault !== null) return false;
  if ((await agents.commit(commit)) === null && !(await fetchFrom(agents, own, commit))) return false;
  return (await agents.try(['reset', '-q', commit])).code === 0;
}
