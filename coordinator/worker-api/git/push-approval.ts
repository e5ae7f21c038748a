import type { EventLog } from '../../sqlite/event-log.ts';
import { findTask, holdCommit } from '../../sqlite/tasks.ts';
import type { Push } from './push-commands.ts';

/** Why a push is refused until its person has approved it: a reason for each command. Null: it may be made. */
export type PushApproval = (task_id: string, push: Push) => string[] | null;

const REASON = 'not approved yet: the person is asked at the end of the work';

/**
 * Refuses pushes of commits that nobody has approved, where a task asks for that. An approval is for one commit, so what a
 * worker does afterwards needs another. The newest refused commit is kept, to ask for it.
 */
export function pushApproval(log: EventLog): PushApproval {
  return (task_id, { commands }) => {
    const task = findTask(log.db, task_id);
    if (task?.ask_before_push !== true) return null;
    const held = commands.find(({ new: commit }) => commit !== task.approved_commit);
    if (!held) return null;
    if (held.new !== task.held_commit) log.write((tx) => holdCommit(tx.db, task_id, held.new));
    return commands.map(() => REASON);
  };
}
