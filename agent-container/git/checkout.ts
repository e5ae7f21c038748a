import type { Assignment } from '../../protocol/worker-schemas.ts';
import { AttemptFailure } from '../base/failure.ts';
import type { Git } from './git.ts';
import { fetchKnown, HEAD_REF, initOwn, PUSHED_REF, tracking, writeExcludes, type Branches } from './own-repository.ts';
import { fetchBranches, type Remote, type RemoteRefs } from './remote.ts';
import { isWip } from './wip-commit.ts';

const CHECKOUT_MS = 900_000;

/**
 * The branch to start from: the one asked for, else the remote's default branch. It need not exist in a repository that
 * is empty or holds only branches of tasks. Throws `AttemptFailure`.
 */
export function chooseBaseBranch(
  { head, branches }: RemoteRefs,
  task: Pick<Assignment, 'base_branch' | 'branch'>,
): string {
  const task_prefix = `${task.branch.split('/')[0]}/`;
  const wanted = task.base_branch ?? head;
  if ([...branches.keys()].every((name) => name.startsWith(task_prefix))) return wanted ?? 'main';
  if (wanted !== undefined && branches.has(wanted)) return wanted;
  throw new AttemptFailure(
    'repository_not_found',
    wanted === undefined
      ? 'The repository names no default branch: name the base branch.'
      : `The repository has no branch ${wanted}.`,
  );
}

/**
 * Fetches the branches into a new repository of the worker's own, and writes the files of the task's branch: from the
 * remote if it is there, else of the branch that the person named, else of the base branch. Returns the commit that the task's changes are compared with; null
 * if there is none.
 */
export async function checkOut(own: Git, remote: Remote, branches: Branches, refs: RemoteRefs): Promise<string | null> {
  const { branch } = branches;
  await initOwn(own, refs);
  const names = await fetchKnown(own, remote, refs, branches);
  const [from, tip] = [names.at(-2), names.at(-1)];
  if (tip === undefined) {
    await writeExcludes(own);
    return null;
  }
  await own.run(['checkout', '-q', '--force', '--detach', tracking(tip)], { time_limit_ms: CHECKOUT_MS });
  await Promise.all([writeExcludes(own), own.run(['update-ref', HEAD_REF, 'HEAD'])]);
  if (tip !== branch) return own.commit('HEAD');
  await own.run(['update-ref', PUSHED_REF, tracking(branch)]);
  const base_commit = from === undefined ? null : await mergeBase(own, remote, from, branch);
  // Work in progress becomes uncommitted changes again.
  if (isWip(await own.run(['log', '-1', '--format=%B'])) && (await own.commit('HEAD^')) !== null) {
    await own.run(['reset', '-q', 'HEAD^']);
    await own.run(['update-ref', HEAD_REF, 'HEAD']);
  }
  return base_commit;
}

/** Where the branch left its base. That may be older than what a shallow fetch brought. */
async function mergeBase(own: Git, remote: Remote, base: string, branch: string): Promise<string | null> {
  const find = () => own.try(['merge-base', tracking(base), tracking(branch)]);
  let found = await find();
  if (found.code !== 0 && (await own.run(['rev-parse', '--is-shallow-repository'])) === 'true') {
    await fetchBranches(own, remote, [base, branch], ['--unshallow']);
    found = await find();
  }
  return found.code === 0 ? found.stdout.toString('utf8').trim() : own.commit(tracking(base));
}
