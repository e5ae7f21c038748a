import type { Assignment } from '../../protocol/worker.ts';
import { AttemptFailure } from '../base/failure.ts';
import type { Git } from './git.ts';
import { PUSHED_REF } from './push.ts';
import { fetchBranches, type Remote, type RemoteRefs } from './remote.ts';
import { isWip } from './wip-commit.ts';

/**
 * Enough to see the project's recent history. During the attempt the agent can fetch the rest (`git fetch
 * --unshallow`).
 */
const DEPTH = 50;
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
 * Fetches the branches and checks out the task's: from the remote if it is there, else from the base branch. Returns
 * the commit that the task's changes are compared with; null if there is none.
 */
export async function checkOut(
  git: Git,
  remote: Remote,
  branch: string,
  base: string,
  refs: RemoteRefs,
): Promise<string | null> {
  const names = [base, branch].filter((name) => refs.branches.has(name));
  const tip = names.at(-1);
  if (tip === undefined) return null;
  await fetchBranches(git, remote, names, [`--depth=${DEPTH}`]);
  if (names.includes(base)) await git.run(['symbolic-ref', tracking('HEAD'), tracking(base)]);
  await git.run(['checkout', '-q', '--no-track', '-B', branch, tracking(tip)], { time_limit_ms: CHECKOUT_MS });
  if (tip !== branch) return git.commit('HEAD');
  await git.run(['update-ref', PUSHED_REF, tracking(branch)]);
  const base_commit = names.includes(base) ? await mergeBase(git, remote, base, branch) : null;
  // Work in progress becomes uncommitted changes again.
  if (isWip(await git.run(['log', '-1', '--format=%B'])) && (await git.commit('HEAD^')) !== null)
    await git.run(['reset', '-q', 'HEAD^']);
  return base_commit;
}

const tracking = (branch: string) => `refs/remotes/origin/${branch}`;

/** Where the branch left its base. That may be older than what a shallow fetch brought. */
async function mergeBase(git: Git, remote: Remote, base: string, branch: string): Promise<string | null> {
  const find = () => git.try(['merge-base', tracking(base), tracking(branch)]);
  let found = await find();
  if (found.code !== 0 && (await git.run(['rev-parse', '--is-shallow-repository'])) === 'true') {
    await fetchBranches(git, remote, [base, branch], ['--unshallow']);
    found = await find();
  }
  return found.code === 0 ? found.stdout.toString('utf8').trim() : git.commit(tracking(base));
}
