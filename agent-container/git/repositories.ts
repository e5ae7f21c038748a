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

/** The repositories of a workspace: the working tree is in `repo`, the worker's own git directory in `git`. */
export function repositories(workspace_dir: string, env: Record<string, string>, signal: AbortSignal): Repositories {
  const dir = join(workspace_dir, 'repo');
  return { own: new Git(dir, env, signal, join(workspace_dir, 'git')), agents: new Git(dir, env, signal) };
}
