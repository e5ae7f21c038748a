import { join } from 'node:path';
import { Git } from './git.ts';

/**
 * The two git directories of a task's working tree. The agent may do anything to its `.git`: remove it, break it, point
 * it elsewhere. So the worker commits and pushes from one of its own, beside the working tree.
 */
export type Repositories = {
  /** The worker's own. It has its own index, its own settings and no hooks. */
  own: Git;
  /** The `.git` in the working tree, which the agent uses. */
  agents: Git;
};

/**
 * The repositories of a working tree: that of the first repository is in `repo`, with the worker's own git directory in
 * `git`; those of others are in the folder `key`, and below `gits`.
 */
export function repositories(
  workspace_dir: string,
  env: Record<string, string>,
  signal: AbortSignal,
  key: string | null = null,
): Repositories {
  const dir = workingTree(workspace_dir, key);
  const git_dir = key === null ? join(workspace_dir, 'git') : join(workspace_dir, 'gits', key);
  return { own: new Git(dir, env, signal, { git_dir, lfs: true }), agents: new Git(dir, env, signal, { lfs: false }) };
}

/** The folder of a repository; `key` null: of the first. */
export function workingTree(workspace_dir: string, key: string | null): string {
  return join(workspace_dir, key ?? 'repo');
}
