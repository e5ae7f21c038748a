import type { TaskRow } from '../../domain/task.ts';
import { listAttempts } from '../../sqlite/attempts.ts';
import type { Tx } from '../../sqlite/event-log.ts';
import { listOpenNeeds } from '../../sqlite/needs.ts';
import { hasPushed } from '../../sqlite/task-pushes.ts';
import { listTaskRepositories } from '../../sqlite/task-repositories.ts';
import { listOpenTasks } from '../../sqlite/tasks.ts';
import { advance } from '../../tasks/advance.ts';

/**
 * What was in a workspace that a restore does not keep, since no backup has workspaces:
 * - `held`: finished work that waited for approval to be pushed. The task has failed.
 * - `approved`: the same, and it was approved, but not pushed yet. The task makes it again.
 * - `begun`: anything else. The task goes on from what it had pushed.
 */
type Lost = 'held' | 'approved' | 'begun';
export type LostWork = { id: string; title: string; lost: Lost };

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
    const lost = lostOf(tx, task);
    if (lost === 'held') advance(tx, task, { type: 'end_parked', reason: 'push_failed', detail: DETAIL, at });
    return [{ id: task.id, title: task.title, lost }];
  });
}

function lostOf({ db }: Tx, task: TaskRow): Lost {
  if (task.status === 'parked' && listOpenNeeds(db, task.id).some(({ kind }) => kind === 'push')) return 'held';
  const repositories = [{ ...task, key: null }, ...listTaskRepositories(db, task.id)];
  const waits = ({ key, approved_commit: commit }: (typeof repositories)[number]): boolean =>
    commit !== null && !hasPushed(db, { task_id: task.id, key }, commit);
  return repositories.some(waits) ? 'approved' : 'begun';
}

function isLocal({ db }: Tx, { id }: TaskRow): boolean {
  const newest = listAttempts(db, id).at(-1);
  return newest !== undefined && LOCAL.has(newest.runner);
}
