import { LIMITS } from '../../../protocol/limits.ts';
import { BranchName } from '../../../protocol/task.ts';
import { branchPrefix, isBranchOf } from '../../domain/task.ts';
import type { Push, PushCommand } from './push-commands.ts';

/** Why the task may not make this push: a reason for each command, in their order. Null: the push is allowed. */
export function refusalOf(push: Push, task_id: string): string[] | null {
  const reasons = push.commands.map((command) => refusalOfCommand(command, task_id));
  const for_all = refusalOfAll(push);
  if (for_all === null && reasons.every((reason) => reason === null)) return null;
  return reasons.map((reason) => reason ?? for_all ?? 'refused with the rest of the push');
}

function refusalOfAll(push: Push): string | null {
  if (push.commands.length > LIMITS.git_commands_max) return `more than ${LIMITS.git_commands_max} refs in one push`;
  if (push.capabilities.includes('push-options')) return 'push options are not supported';
  return null;
}

function refusalOfCommand(command: PushCommand, task_id: string): string | null {
  const prefix = branchPrefix(task_id);
  const branch = command.ref.replace(/^refs\/heads\//, '');
  if (branch === command.ref || !isBranchOf(task_id, branch)) return `only refs/heads/${prefix}* may be pushed`;
  if (!/^[\w./-]+$/.test(branch) || !BranchName.safeParse(branch).success)
    return 'a branch name may contain only letters, digits, ".", "_", "-" and "/"';
  if (/^0+$/.test(command.new)) return 'branches may not be deleted';
  return null;
}
