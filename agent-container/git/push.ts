import type { Assignment } from '../../protocol/worker.ts';
import { pushFailure } from './git-failure.ts';
import type { Git, GitResult } from './git.ts';
import { remoteRefs, retryRemote, type Remote } from './remote.ts';

const PUSH_MS = 300_000;
/** The commit that this task pushed last. The next push may replace it. */
export const PUSHED_REF = 'refs/errand/pushed';

/**
 * Pushes a commit to the task's branch, and returns the branch's name. It replaces only what the task itself pushed: if
 * someone else has pushed to the branch, the commit goes to another branch next to it. Throws `AttemptFailure`.
 */
export async function push(
  git: Git,
  remote: Remote,
  task: Pick<Assignment, 'attempt' | 'branch'>,
  commit: string,
): Promise<string> {
  let { branch } = task;
  let expected = (await git.commit(PUSHED_REF)) ?? '';
  return retryRemote(git, 'push_failed', async () => {
    remote.takeGitFailure();
    const lease = `--force-with-lease=refs/heads/${branch}:${expected}`;
    const args = ['push', '--porcelain', '--no-verify', lease, remote.url, `${commit}:refs/heads/${branch}`];
    const result = await git.try(args, { time_limit_ms: PUSH_MS });
    if (result.code === 0) {
      await git.run(['update-ref', PUSHED_REF, commit]);
      return branch;
    }
    const failure = pushFailure(result, remote.takeGitFailure());
    if (failure.reason === 'push_failed' && hasBranchMoved(result)) {
      const { branches } = await remoteRefs(git, remote);
      const current = branches.get(branch) ?? '';
      if (current !== '' && !(await isAncestor(git, current, commit))) branch = `${task.branch}-${task.attempt}`;
      expected = branches.get(branch) ?? '';
    }
    throw failure;
  });
}

/** Whether the push failed because the branch is not at the expected commit. */
const hasBranchMoved = ({ stdout }: GitResult) =>
  /^!\t\S+\t\[rejected\] \((stale info|fetch first|non-fast-forward)\)/m.test(stdout.toString('utf8'));

async function isAncestor(git: Git, older: string, newer: string): Promise<boolean> {
  return (await git.try(['merge-base', '--is-ancestor', older, newer])).code === 0;
}
