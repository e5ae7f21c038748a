import type { Assignment } from '../../protocol/worker.ts';
import type { Git, GitEnd } from './git.ts';
import { pause, remoteRefs, TRIES_MAX, type Remote } from './remote.ts';
import { pushError } from './repository-error.ts';

const PUSH_MS = 300_000;
/** The commit that this task pushed last: what its next push may replace. */
export const PUSHED = 'refs/errand/pushed';

/**
 * Pushes a commit to the task's branch, and gives the branch's name. It replaces what the task itself pushed before, and nothing else: where
 * somebody else has been at the branch, the commit goes to a branch beside it. Throws `RepositoryError`.
 */
export async function push(
  git: Git,
  remote: Remote,
  task: Pick<Assignment, 'attempt' | 'branch'>,
  commit: string,
): Promise<string> {
  let { branch } = task;
  let replaces = (await git.commit(PUSHED)) ?? '';
  for (let tries = 1; ; tries++) {
    remote.takeGitRefusal();
    const lease = `--force-with-lease=refs/heads/${branch}:${replaces}`;
    const args = ['push', '--porcelain', '--no-verify', lease, remote.url, `${commit}:refs/heads/${branch}`];
    const end = await git.try(args, { time_limit_ms: PUSH_MS });
    if (end.code === 0) {
      await git.run(['update-ref', PUSHED, commit]);
      return branch;
    }
    const error = pushError(end, remote.takeGitRefusal());
    if (error.reason !== 'push_failed' || tries === TRIES_MAX) throw error;
    if (!isLeaseLost(end)) {
      await pause(git, tries);
      continue;
    }
    const { branches } = await remoteRefs(git, remote);
    const there = branches.get(branch) ?? '';
    if (there !== '' && !(await isAncestor(git, there, commit))) branch = `${task.branch}-${task.attempt}`;
    replaces = branches.get(branch) ?? '';
  }
}

const isLeaseLost = (end: GitEnd) =>
  /^!\t\S+\t\[rejected\] \((stale info|fetch first|non-fast-forward)\)/m.test(end.stdout.toString('utf8'));

async function isAncestor(git: Git, older: string, newer: string): Promise<boolean> {
  return (await git.try(['merge-base', '--is-ancestor', older, newer])).code === 0;
}
