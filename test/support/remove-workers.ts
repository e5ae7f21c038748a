import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ProcessLauncher } from '../../coordinator/workers/process/launcher.ts';

const run = promisify(execFile);

/**
 * Removes the workers (containers and processes) that a stopped coordinator left. `docker`: arguments that select its
 * engine.
 */
export async function removeWorkers(data_dir: string, docker: string[] = []): Promise<void> {
  const workers_dir = join(data_dir, 'workers');
  if (!existsSync(workers_dir)) return;
  const processes = new ProcessLauncher({ workers_dir, program: { entry: '' }, env: {} });
  const as_processes = await processes.list();
  for (const name of readdirSync(workers_dir))
    await (as_processes.includes(name)
      ? processes.remove(name)
      : run('docker', [...docker, 'rm', '--force', name]).catch(() => undefined));
}
