import type { TaskRow } from '../../domain/task.ts';
import { listAttempts } from '../../sqlite/attempts.ts';
import type { Tx } from '../../sqlite/event-log.ts';
import { listOpenNeeds } from '../../sqlite/needs.ts';
import { listOpenTasks } from '../../sqlite/tasks.ts';
import { advance } from '../../tasks/advance.ts';

/**
 * An open task whose workspace a restore does not keep: no backup has workspaces. `held`: its work was done, and waited
 * for approval to be pushed; it has failed. Otherwise it goes on from what it had pushed.
 */
export type LostWork = { id: string; title: string; held: boolean };

/** The runners whose workspaces are in the data folder. */
const LOCAL = new Set(['docker', 'process']);
const DETAIL =
  'The work that waited to be pushed was in a workspace, and the backup that the server was restored from has none. Its changes can still be read. If they were pushed after the backup, they are in the repository: look there first. Otherwise retry the errand to have them made again.';

/**
 * Finds the open tasks that lose their workspaces, which are all but those of the tasks `kept`. Ends those whose work
 * waits for approval: nothing is there that an approval could push.
 */
export function endLostWork(tx: Tx, kept: ReadonlySet<string>, at: string): LostWork[] {
  return listOpenTasks(tx.db).flatMap((task) => {
    if (task.workspace === null || kept.has(task.id) || !isLocal(tx, task)) return [];
    const held = task.status === 'parked' && listOpenNeeds(tx.db, task.id).some(({ kind }) => kind === 'push');
    if (held) advance(tx, task, { type: 'end_parked', reason: 'push_failed', detail: DETAIL, at });
    return [{ id: task.id, title: task.title, held }];
  });
}

function isLocal({ db }: Tx, { id }: TaskRow): boolean {
  const newest = listAttempts(db, id).at(-1);
  return newest !== undefined && LOCAL.has(newest.runner);
}
