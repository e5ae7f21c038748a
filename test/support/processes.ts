import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** Whether a process exists and is not a zombie. Linux only. */
export function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

/** The process id of a worker that the runner `process` started. `workers_dir`: the folder with all workers' folders. */
export function workerPid(workers_dir: string, name: string): number {
  const text = readFileSync(join(workers_dir, name, 'process.json'), 'utf8');
  return z.object({ pid: z.number() }).parse(JSON.parse(text)).pid;
}
