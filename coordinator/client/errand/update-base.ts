import type { Task } from '../../../protocol/task.ts';

/**
 * The branch that an errand's work goes into: of its open pull request, or the one that it started from; null: the
 * default.
 */
export function baseOf({ pulls = [], base_branch }: Pick<Task, 'pulls' | 'base_branch'>): string | null {
  return pulls.findLast(({ state }) => state === 'open')?.base ?? base_branch;
}

/** Whether an open pull request of an errand conflicts with its base. */
export function hasConflicts({ pulls = [] }: Pick<Task, 'pulls'>): boolean {
  return pulls.some(({ state, conflicts }) => state === 'open' && conflicts === true);
}

/** The branch that an errand has pushed; null: none yet. */
export function pushedBranch({ branch, result }: Pick<Task, 'branch' | 'result'>): string | null {
  return branch ?? result?.branch ?? null;
}

/**
 * The message that asks an errand to merge the newest state of its base. `repository`: the key of the one that is
 * meant, of several.
 */
export function updateBaseText(base: string | null, repository?: string): string {
  const where = repository === undefined ? '' : ` in ${repository}`;
  return (
    `Bring your branch${where} up to date with ${base ?? 'the branch that it started from'}: fetch its newest state and merge it. ` +
    'Do not rebase. Resolve conflicts so that both intents are kept, and run the checks again.'
  );
}
