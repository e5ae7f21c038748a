import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { importCommits, readAgentState, type AgentState } from './agent-repository.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { emptyTree } from './diff.ts';
import { errorSummary, splitNul, type Git } from './git.ts';
import { keepUntouched } from './keep-untouched.ts';
import { nameOf } from './names-of.ts';
import { HEAD_REF, tryOnIndex } from './own-repository.ts';
import type { Repositories } from './repositories.ts';
import { addSubmodules, checkedOutSubmodules } from './submodules.ts';

const MIB = 1024 * 1024;
/** A new file above this size is not committed: many forges would reject the whole push. */
const FILE_BYTES_MAX = 50 * MIB;
/** How long `git add` may take: it copies what Git LFS stores. */
const ADD_MS = 600_000;

type WorktreeCommit = {
  /** The commit that holds everything: HEAD itself if nothing has changed since, null if there is nothing at all. */
  commit: string | null;
  tree: string;
  /** What was left out, and why, for people: one text for each path. */
  excluded: string[];
  /** The state of the agent's repository at the time. */
  agent: AgentState;
};

/**
 * Commits the whole working tree on top of the agent's HEAD, except ignored files. Neither HEAD nor the index of the
 * agent moves, so the agent may use git at the same time. Where the agent's repository cannot be read, the commit
 * follows what was last read of it.
 */
export async function commitWorktree(repos: Repositories, message: string): Promise<WorktreeCommit> {
  const { own } = repos;
  const agent = await readAgentState(repos);
  const parents = await parentsFrom(repos, agent);
  const head = parents[0] === undefined ? null : await own.resolve(parents[0]);
  if (head !== null) {
    await own.run(['update-ref', HEAD_REF, head.commit]);
    await own.run(['read-tree', '-i', '-m', head.commit]);
  }
  const [{ paths, excluded, submodules }, sparse, staged] = await Promise.all([
    excludedFiles(own),
    agent.fault === null ? sparseFiles(repos) : [],
    agent.fault === null ? stagedIgnoredFiles(repos) : [],
  ]);
  // Files that a sparse checkout left out are not deleted.
  if (sparse.length > 0)
    await tryOnIndex(own, ['update-index', '-z', '--skip-worktree', '--stdin'], { input: nul(sparse) });
  // Git would look into submodules, and run programs that their settings name. Only their commits count here.
  const input = nul(['.', ...[...paths, ...submodules].map((path) => `:(exclude,literal)${path}`)]);
  const args = ['add', '-A', '--ignore-errors', ...FROM_STDIN];
  const added = await tryOnIndex(own, args, { input, time_limit_ms: ADD_MS });
  if (added.code !== 0) excluded.push(errorSummary(added));
  excluded.push(...(await addSubmodules(own, submodules)));
  // Ignored files that the agent has added by name.
  if (staged.length > 0)
    await tryOnIndex(own, ['add', '-f', '--ignore-errors', ...FROM_STDIN], {
      input: nul(staged.map((path) => `:(literal)${path}`)),
    });
  if (head !== null) await keepUntouched(repos, head.commit);
  const tree = await own.run(['write-tree']);
  if (tree === (head === null ? await emptyTree(own) : head.tree))
    return { commit: head?.commit ?? null, tree, excluded, agent };
  const parent_args = parents.flatMap((parent) => ['-p', parent]);
  const commit = await own.run(['commit-tree', tree, ...parent_args, '-F', '-'], { input: message });
  return { commit, tree, excluded, agent };
}

const FROM_STDIN = ['--pathspec-from-file=-', '--pathspec-file-nul'];
/** The most ignored files that the agent may add by name. */
const STAGED_MAX = 1_000;
const nul = (paths: string[]) => paths.join('\0');

/** The parents of the next commit: the agent's HEAD, and the others of its merge; else the last HEAD that was read. */
async function parentsFrom(repos: Repositories, { head, merge_heads }: AgentState): Promise<string[]> {
  const [parent] = head === null ? [] : await importCommits(repos, [head]);
  if (parent !== undefined) return [parent, ...(await importCommits(repos, merge_heads))];
  const last = await repos.own.commit(HEAD_REF);
  return last === null ? [] : [last];
}

/** Files that the agent's sparse checkout leaves out. */
async function sparseFiles({ agents }: Repositories): Promise<string[]> {
  return (await paths(agents, ['ls-files', '-z', '-t'])).flatMap((line) =>
    line.startsWith('S ') ? [line.slice(2)] : [],
  );
}

/** Ignored files that the agent has added by name, and that the worker's index does not have. */
async function stagedIgnoredFiles({ own, agents }: Repositories): Promise<string[]> {
  const args = ['ls-files', '-z', '-c', '-i', '--exclude-standard'];
  const [staged, known] = await Promise.all([paths(agents, args), paths(own, args)]);
  const has = new Set(known);
  const fresh = staged.filter((path) => !has.has(path)).slice(0, STAGED_MAX);
  const found = await Promise.all(fresh.map((path) => lstat(join(own.dir, path)).catch(() => null)));
  return fresh.filter((_, i) => found[i]?.isFile());
}

async function paths(git: Git, args: string[]): Promise<string[]> {
  const { code, stdout } = await git.try(args, { time_limit_ms: 30_000, stdout_bytes_max: 64 << 20 });
  return code === 0 ? splitNul(stdout) : [];
}

/** The bound that a size exceeds, in words; null: it fits. */
const exceeded = (size: number, max: number) => (size > max ? `${Math.floor(max / MIB)} MiB` : null);

/**
 * The bound that the size of a file of Git LFS exceeds; null: it fits. `room`: the bytes that the attempt can still
 * upload.
 */
export function exceededByLfs(size: number, room: number): string | null {
  const { lfs_object_bytes_max, lfs_attempt_bytes_max } = LIMITS;
  const left = `the ${Math.floor(room / MIB)} MiB that are left of ${Math.floor(lfs_attempt_bytes_max / MIB)} MiB for files of Git LFS`;
  return exceeded(size, lfs_object_bytes_max) ?? (size > room ? left : null);
}

/**
 * New files that no commit should hold: too large ones, and repositories inside the repository. `submodules`: those
 * that are checked out, which are no such repositories.
 */
async function excludedFiles(own: Git): Promise<{ paths: string[]; excluded: string[]; submodules: string[] }> {
  const others = ['ls-files', '--others', '--exclude-standard', '-z'];
  const of_lfs = own.has_lfs ? await own.run([...others, '--', ':(attr:filter=lfs)']) : '';
  const lfs_paths = new Set(splitNul(of_lfs));
  const listed = splitNul(await own.run(others));
  const nested = listed.filter((path) => path.endsWith('/')).map((path) => path.slice(0, -1));
  const submodules = await checkedOutSubmodules(own, nested);
  const paths: string[] = [];
  const excluded: string[] = [];
  /** What an attempt can upload. */
  let lfs_room = LIMITS.lfs_attempt_bytes_max;
  for (const path of listed) {
    if (submodules.includes(path.replace(/\/$/, ''))) continue;
    if (path.endsWith('/')) excluded.push(`${nameOf(path)} is a repository of its own`);
    else {
      const size = (await lstat(join(own.dir, path)).catch(() => null))?.size ?? 0;
      const is_lfs = lfs_paths.has(path);
      const bound = is_lfs ? exceededByLfs(size, lfs_room) : exceeded(size, FILE_BYTES_MAX);
      if (bound === null && is_lfs) lfs_room -= size;
      if (bound === null) continue;
      excluded.push(`${nameOf(path)} is above ${bound}`);
    }
    paths.push(path.replace(/\/$/, ''));
  }
  return { paths, excluded, submodules };
}
