import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Isolation, WorkerLimits } from '../runner.ts';
import { Trash } from '../trash.ts';
import { newWorkerName } from '../worker-name.ts';
import { Workspaces } from '../workspaces.ts';
import type { Launcher } from './launcher.ts';
import { WorkerDirectories } from './worker-directories.ts';

/**
 * Lets a launcher try how well its workers are isolated: with the folders of a worker, and those of another one, in a
 * part of the data folder that no real worker has. They are removed afterwards.
 */
export async function tryIsolation(
  tryIn: NonNullable<Launcher['tryIsolation']>,
  {
    data_dir,
    owner,
    image,
    limits,
  }: { data_dir: string; owner: Launcher['owner']; image: string; limits: WorkerLimits },
  watch: AbortSignal,
): Promise<Isolation> {
  const folder = join(data_dir, 'canary');
  const directories = new WorkerDirectories(folder, owner);
  const [name, other] = [newWorkerName(), newWorkerName()];
  try {
    const { coordinator_dir, worker_dir } = directories.make(name);
    const workspace_dir = new Workspaces(folder).make(name, owner);
    const secret = join(directories.make(other).worker_dir, 'secret');
    writeFileSync(secret, 'of another worker');
    const mounts = { coordinator_dir, worker_dir, workspace_dir };
    return await tryIn({ name, image, limits, labels: {}, mounts }, secret, watch);
  } finally {
    await new Trash(data_dir).take(folder);
  }
}
