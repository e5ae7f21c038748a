import { join } from 'node:path';
import type { Db } from '../../sqlite/database.ts';
import { listRestingWorkspaces, type RestingWorkspace } from '../../sqlite/workspaces.ts';
import { listNames } from '../../workers/directories.ts';
import { Workspaces } from '../../workers/workspaces.ts';

/**
 * The ids of the tasks whose workspaces are in the data folder as they were when the backup was taken. That of a task
 * with an attempt under way has gone on since.
 */
export function findKeptWorkspaces(db: Db, data_dir: string): string[] {
  const workspaces = new Workspaces(data_dir);
  const here = new Set(workspaces.list());
  return listRestingWorkspaces(db)
    .filter((task) => here.has(task.workspace) && !hasGoneOn(workspaces.path(task.workspace), task))
    .map(({ task_id }) => task_id);
}

/**
 * Whether a later attempt of the task was at work in its workspace: a worker keeps the spool of its newest attempt
 * there, as `<task id>-<attempt>`. A worker may have put anything in its place; that does not count as kept.
 */
function hasGoneOn(dir: string, { task_id, attempt }: RestingWorkspace): boolean {
  const prefix = `${task_id}-`;
  try {
    return listNames(join(dir, 'spool')).some(
      (name) => name.startsWith(prefix) && Number.parseInt(name.slice(prefix.length), 10) > attempt,
    );
  } catch {
    return true;
  }
}
