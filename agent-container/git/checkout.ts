import type { Assignment } from '../../protocol/worker-schemas.ts';
import { AttemptFailure } from '../base/failure.ts';
import type { Git } from './git.ts';
import {
  fetchKnown,
  HEAD_REF,
  initOwn,
  makeRef,
  PUSHED_REF,
  readRef,
  tracking,
  type Branches,
} from './own-repository.ts';
import type { RemoteRefs } from './remote-refs.ts';
import { fetchBranches, type Remote } from './remote.ts';
import { isWip } from './wip-commit.ts';

const CHECKOUT_MS = 900_000;
/** How much more of the history is fetched, in turn. All of it may be gigabytes. */
const DEEPENINGS = ['--deepen=500', '--deepen=5000', '--unshallow'];

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
      : `The repository has no branch ${wanted}. A task starts from a branch, not from a tag or a commit.`,
  );
}

/**
 * Fetches the branches into a new repository of the worker's own, and writes the files of the task's branch: from the
 * remote if it is there, else of the branch that the person named, else of the base branch. `base_commit`: what the
 * task's changes are compared with. Both are null if there is no commit.
 */
export async function checkOut(
  own: Git,
  remote: Remote,
  branches: Branches,
  refs: RemoteRefs,
): Promise<{ commit: string | null; base_commit: string | null }> {
  const { branch } = branches;
  await initOwn(own, refs);
  const names = await fetchKnown(own, remote, refs, branches);
  const [from, tip] = [names.at(-2), names.at(-1)];
  if (tip === undefined) return { commit: null, base_commit: null };
  await own.run(['checkout', '-q', '--force', '--detach', tracking(tip)], { time_limit_ms: CHECKOUT_MS });
  const commit = await readRef(own, 'HEAD');
  if (commit === null) throw new Error('The checkout left no commit.');
  await makeRef(own, HEAD_REF, commit);
  if (tip !== branch) return { commit, base_commit: commit };
  const base_commit = from === undefined ? null : await mergeBase(own, remote, from, branch);
  // The branch was merged, or its work was taken back: nothing on it is the task's alone any more.
  if (base_commit === commit) return { commit, base_commit };
  await makeRef(own, PUSHED_REF, commit);
  // Work in progress becomes uncommitted changes again.
  const parent = isWip(await own.run(['log', '-1', '--format=%B'])) ? await own.commit('HEAD^') : null;
  if (parent === null) return { commit, base_commit };
  await own.run(['reset', '-q', parent]);
  await own.run(['update-ref', HEAD_REF, parent]);
  return { commit: parent, base_commit };
}

/**
 * Where the branch left its base. That may be older than what a shallow fetch brought: more is fetched until it is
 * found.
 */
async function mergeBase(own: Git, remote: Remote, base: string, branch: string): Promise<string | null> {
  const find = () => own.try(['merge-base', tracking(base), tracking(branch)]);
  let found = await find();
  for (const more of DEEPENINGS) {
    if (found.code === 0 || (await own.run(['rev-parse', '--is-shallow-repository'])) !== 'true') break;
    await fetchBranches(own, remote, [base, branch], [more]);
    found = await find();
  }
  return found.code === 0 ? found.stdout.toString('utf8').trim() : own.commit(tracking(base));
}
