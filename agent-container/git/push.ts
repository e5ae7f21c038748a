import { AttemptFailure } from '../base/failure.ts';
import { flatName, nextName } from './branch-names.ts';
import { describeKept, mergeAdvice, pushFailure, refusedName } from './git-failure.ts';
import type { Git, GitResult } from './git.ts';
import { notePushed, noteSent, PUSHED_REF, wasSent } from './own-repository.ts';
import type { RemoteRefs } from './remote-refs.ts';
import { askRemote, remoteRefs, retryRemote, type Remote } from './remote.ts';
import { hasMoreThanWip, wipMessage } from './wip-commit.ts';

/** As for a fetch: a slow line needs it. One that stands still is cut long before. */
export const PUSH_MS = 900_000;
/** How many branches one push may try. */
const TARGETS_MAX = 4;

/** A branch, the commit that it must be at now, and what is pushed there; `expected` is empty: it must not exist. */
type Target = { branch: string; expected: string; commit: string };

/**
 * What of the work to push. `is_exact`: no other commit may be pushed in its place, for a person has approved this
 * one. `wip`: it is not finished. `base_commit`: where the task started.
 */
type ToPush = { commit: string; is_exact: boolean; wip: boolean; base_commit: string | null };

/** The same. `stays`: the branch has commits to keep, so the work belongs there, such as in a pull request. */
type Pushing = ToPush & { stays: boolean };

/**
 * Pushes a commit to the task's branch, and returns the branch's name and its new commit. It replaces only what the
 * task itself pushed. Where the forge lets nobody replace that, both are joined by a commit with the same files. If
 * someone else has pushed to the branch, the commit goes to another branch next to it; but where the branch had more
 * than work in progress, the model is to merge what is there. Where a branch of the repository is in the way, the name
 * loses its slashes. Throws `AttemptFailure`.
 */
export async function push(
  own: Git,
  remote: Remote,
  task_branch: string,
  given: ToPush,
): Promise<{ branch: string; commit: string }> {
  const { commit, base_commit } = given;
  const pushing = { ...given, stays: await hasMoreThanWip(own, PUSHED_REF, base_commit) };
  let target: Target = { branch: task_branch, expected: (await own.commit(PUSHED_REF)) ?? '', commit };
  return retryRemote(own, 'push_failed', async () => {
    for (let targets = 1; ; targets++) {
      const lease = `--force-with-lease=refs/heads/${target.branch}:${target.expected}`;
      const spec = `${target.commit}:refs/heads/${target.branch}`;
      const args = ['push', '--porcelain', '--no-verify', lease, remote.url, spec];
      await noteSent(own, target.commit);
      const { result, failure } = await askRemote(own, remote, args, { time_limit_ms: PUSH_MS });
      if (result.code === 0) {
        await notePushed(own, target.commit);
        return { branch: target.branch, commit: target.commit };
      }
      const other = targets < TARGETS_MAX ? await otherTarget(own, remote, target, pushing, result) : null;
      if (other === null) throw pushFailure(result, failure);
      target = other;
    }
  });
}

/** Where to push to after a refusal; null: another branch would not help. Throws `AttemptFailure`. */
async function otherTarget(
  own: Git,
  remote: Remote,
  target: Target,
  { commit, is_exact, wip, stays }: Pushing,
  result: GitResult,
): Promise<Target | null> {
  const { branch, expected } = target;
  const beside = (refs: RemoteRefs): Target => {
    if (stays) throw new AttemptFailure('push_rejected', wip ? describeKept(branch) : mergeAdvice(branch));
    return { branch: nextName(refs, branch), expected: '', commit };
  };
  switch (refusedName(result)) {
    case 'moved': {
      const refs = await remoteRefs(own, remote);
      const current = refs.branches.get(branch) ?? '';
      const is_ours =
        current === '' || (await wasSent(own, current)) || (await own.isAncestor(current, commit)) === true;
      return is_ours ? { branch, expected: current, commit } : beside(refs);
    }
    case 'not_replaced':
      if (expected === '' || (stays && target.commit !== commit)) return null;
      if (is_exact || target.commit !== commit) return beside(await remoteRefs(own, remote));
      return { branch, expected, commit: await joined(own, expected, { commit, wip }) };
    case 'in_the_way': {
      const flat = flatName(branch);
      if (flat === branch) return null;
      return { branch: flat, expected: (await remoteRefs(own, remote)).branches.get(flat) ?? '', commit };
    }
    case null:
      return null;
  }
}

const JOINED = 'Go on from the work in progress';

/** A commit with the files of `commit`, to which a branch at `before` only moves forward. */
function joined(own: Git, before: string, { commit, wip }: Pick<ToPush, 'commit' | 'wip'>): Promise<string> {
  const message = wip ? wipMessage(JOINED) : JOINED;
  return own.run(['commit-tree', `${commit}^{tree}`, '-p', before, '-p', commit, '-m', message]);
}
