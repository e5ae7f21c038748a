import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { splitNul, type Git } from './git.ts';

/** A command may have put anything into a worktree. Its filters run, since git compares what they make of a file. */
const READ_MS = 10_000;
/** How many uncommitted files of a worktree are read. */
const FILES_MAX = 500;

/** Another worktree of the agent's repository. `commit`: its HEAD, where that is on no branch; else null. */
export type Worktree = { path: string; commit: string | null };

/** The worktrees that the agent has added to its repository. */
export async function otherWorktrees(agents: Git): Promise<Worktree[]> {
  if ((await readdir(join(agents.git_dir, 'worktrees')).catch(() => [])).length === 0) return [];
  const { stdout } = await agents.try(['worktree', 'list', '--porcelain', '-z'], { time_limit_ms: READ_MS });
  const [, ...others] = stdout.toString().split('\0\0');
  return others.flatMap((text) => {
    const path = /^worktree ([^\0]+)/.exec(text)?.[1];
    const commit = /\0HEAD (\w+)\0detached/.exec(text)?.[1] ?? null;
    return path === undefined ? [] : [{ path, commit }];
  });
}

/** The files of a worktree that are not as its HEAD has them, and are newer than `began_ms`: path and object. */
export async function uncommittedFiles(
  agents: Git,
  { path: dir }: Worktree,
  began_ms: number,
): Promise<{ path: string; id: string }[]> {
  const options = { env: { GIT_DIR: join(dir, '.git'), GIT_WORK_TREE: dir }, time_limit_ms: READ_MS };
  const flags = ['--porcelain', '-z', '--no-renames', '--untracked-files=all', '--ignore-submodules=all'];
  const { stdout } = await agents.try(['--no-optional-locks', '-C', dir, 'status', ...flags], options);
  const listed = splitNul(stdout).map((line) => line.slice('XY '.length));
  const paths: string[] = [];
  for (const path of listed.slice(0, FILES_MAX)) {
    const stats = await lstat(join(dir, path)).catch(() => null);
    if (stats?.isFile() && stats.ctimeMs >= began_ms && !path.includes('\n')) paths.push(path);
  }
  if (paths.length === 0) return [];
  const input = paths.map((path) => `${path}\n`).join('');
  const hashed = await agents.try(['-C', dir, 'hash-object', '--no-filters', '--stdin-paths'], { ...options, input });
  const ids = hashed.stdout.toString().split('\n');
  return paths.flatMap((path, i) => (ids[i] === undefined || ids[i] === '' ? [] : [{ path, id: ids[i] }]));
}
