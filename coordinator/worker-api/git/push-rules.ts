import { LIMITS } from '../../../protocol/limits.ts';
import { BranchName } from '../../../protocol/task.ts';
import { refOf } from '../../domain/ref-of.ts';
import { branchPrefix, isBranchOf } from '../../domain/task.ts';
import { commandFor } from './named-branch.ts';
import { isNoCommit, reasonsForEach, type Push, type PushCommand } from './push-commands.ts';

/** Whose push it is: the task, and the branch that its person named, if they named one. */
export type Pusher = { task_id: string; work_branch: string | null };

/**
 * Why the task may not make this push: a reason for each command, in their order. Null: its commands alone do not
 * forbid it.
 */
export function ruleFaults(push: Push, pusher: Pusher): string[] | null {
  const of_commands = push.commands.map((command) => faultOfCommand(command, pusher));
  return reasonsForEach(of_commands, faultOfPush(push, pusher));
}

function faultOfPush(push: Push, { work_branch }: Pusher): string | null {
  if (push.commands.length > LIMITS.git_commands_max) return `more than ${LIMITS.git_commands_max} refs in one push`;
  if (push.capabilities.includes('push-options')) return 'push options are not supported';
  if (commandFor(push, work_branch) && push.commands.length > 1) return `push ${work_branch} by itself`;
  return null;
}

function faultOfCommand(command: PushCommand, { task_id, work_branch }: Pusher): string | null {
  const prefix = branchPrefix(task_id);
  const branch = command.ref.replace(/^refs\/heads\//, '');
  const is_named = work_branch !== null && command.ref === refOf(work_branch);
  if (branch === command.ref || !(is_named || isBranchOf(task_id, branch)))
    return `only refs/heads/${prefix}*${work_branch === null ? '' : ` and refs/heads/${work_branch}`} may be pushed`;
  if (!is_named && (!/^[\w./-]+$/.test(branch) || !BranchName.safeParse(branch).success))
    return 'a branch name may contain only letters, digits, ".", "_", "-" and "/"';
  if (isNoCommit(command.new)) return 'branches may not be deleted';
  return null;
}
