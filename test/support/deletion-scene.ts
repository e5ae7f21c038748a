import type { ExecutionContext } from 'ava';
import { Workspaces } from '../../coordinator/workers/workspaces.ts';
import type { EventLog } from '../../coordinator/sqlite/event-log.ts';
import { Deletion } from '../../coordinator/operations/deletion.ts';
import { temporaryFolder } from './folder.ts';
import { SILENT } from './silent.ts';

/** A `Deletion` on a server's database, with a temporary folder for workspaces. */
export async function startDeletion(
  t: ExecutionContext,
  log: EventLog,
  has: (task_id: string) => boolean = () => false,
) {
  const workspaces = new Workspaces(await temporaryFolder(t));
  const deletion = new Deletion({
    log,
    workspaces,
    removeFiles: async () => undefined,
    logger: SILENT,
    attempts: { has },
  });
  t.teardown(() => deletion.stop());
  return { workspaces, deletion };
}
