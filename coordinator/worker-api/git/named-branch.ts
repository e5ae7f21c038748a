import { refOf } from '../../domain/ref-of.ts';
import { branchPrefix } from '../../domain/task.ts';
import type { AskRepository } from './backend.ts';
import { descendsFrom } from './descends-from.ts';
import type { PackFolder } from './pack-folders.ts';
import { packBetween } from './pack-between.ts';
import { isNoCommit, type Push, type PushCommand } from './push-commands.ts';
import { readRefs } from './read-refs.ts';

/** The command of a push that is for the branch that the person named; undefined: there is none. */
export function commandFor({ commands }: Push, work_branch: string | null): PushCommand | undefined {
  return commands.find(({ ref }) => work_branch !== null && ref === refOf(work_branch));
}

/**
 * Why the branch that a person named may not be moved so; null: it may. Others work on that branch too, so it only goes
 * forward: the new commit has the present one among its ancestors. The repository itself refuses the push if the branch
 * is moved once more before it arrives.
 */
export async function namedBranchFault(
  ask: AskRepository,
  folder: PackFolder,
  task_id: string,
  { old, new: commit, ref }: PushCommand,
): Promise<string | null> {
  const own = `refs/heads/${branchPrefix(task_id)}`;
  let current: string | undefined;
  let is_there = false;
  const { head, can_filter } = await readRefs(ask, (name, id) => {
    if (name === ref) current = id;
    if (id === commit && inOwn(name, own)) is_there = true;
  });
  if (head === undefined) return 'the repository does not say which branch is the default one';
  if (head === ref) return 'it is the default branch, to which errands never push';
  if (current === undefined) return isNoCommit(old) ? null : 'the branch does not exist any more';
  if (current !== old) return 'somebody has pushed to the branch: fetch first';
  if (!is_there) return `push the commit to ${own}* first`;
  const pack = await folder.store('after', await packBetween(ask, old, commit, can_filter));
  if (await descendsFrom(folder, [pack], commit, old)) return null;
  return 'the commit does not contain the present one of the branch: merge it, and keep its commits';
}

function inOwn(name: string, own: string): boolean {
  return name.startsWith(own) || name.startsWith(`refs/heads/${own.slice('refs/heads/'.length).replaceAll('/', '-')}`);
}
