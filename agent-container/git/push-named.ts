import { AttemptFailure } from '../base/failure.ts';
import { mergeAdvice, pushFailure } from './git-failure.ts';
import type { Git } from './git.ts';
import { tracking, WORK_REF } from './own-repository.ts';
import { PUSH_MS } from './push.ts';
import { askRemote, fetchBranches, remoteRefs, retryRemote, type Remote } from './remote.ts';

/**
 * What became of a push to the branch that the person named. `refused`: the model can do something about it, or the
 * forge does not want it. `gone`: the branch is not the one any more on which the work began; `why` is a sentence.
 */
type NamedPush = { kind: 'pushed' } | { kind: 'refused'; failure: AttemptFailure } | { kind: 'gone'; why: string };

/**
 * Pushes a commit, which the remote has already, to the branch that the person named. Others work on that branch too,
 * so it only moves forward, and no commit of theirs is lost. Throws `AttemptFailure` where the remote cannot be
 * reached.
 */
export async function pushNamed(own: Git, remote: Remote, branch: string, commit: string): Promise<NamedPush> {
  return retryRemote(own, 'push_failed', async () => {
    const known = await own.commit(WORK_REF);
    const current = (await remoteRefs(own, remote)).branches.get(branch) ?? null;
    if (current === null && known !== null) return { kind: 'gone', why: `The branch ${branch} was deleted meanwhile.` };
    if (current !== null && current !== known) {
      await fetchBranches(own, remote, [branch], []);
      if (known !== null && (await own.isAncestor(known, tracking(branch))) !== true)
        return { kind: 'gone', why: `The branch ${branch} was replaced by a force-push meanwhile.` };
      await own.run(['update-ref', WORK_REF, tracking(branch)]);
    }
    if (current !== null && (await own.isAncestor(current, commit)) !== true)
      return { kind: 'refused', failure: new AttemptFailure('push_rejected', mergeAdvice(branch)) };
    const args = ['push', '--porcelain', '--no-verify', remote.url, `${commit}:refs/heads/${branch}`];
    const { result, failure } = await askRemote(own, remote, args, { time_limit_ms: PUSH_MS });
    if (result.code === 0) {
      await own.run(['update-ref', WORK_REF, commit]);
      return { kind: 'pushed' };
    }
    const refusal = pushFailure(result, failure);
    if (refusal.reason !== 'push_rejected') throw refusal;
    return { kind: 'refused', failure: refusal };
  });
}
