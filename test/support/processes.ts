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

/**
 * Whether the process that has this id now is still there, and not a zombie. The system gives ids anew: after many
 * other processes, another one may have it.
 */
export function watchProcess(pid: number): () => boolean {
  const born = bornAt(pid);
  return () => isAlive(pid) && bornAt(pid) === born;
}

/** When a process was started, in the clock ticks of the system; undefined: it is gone. */
function bornAt(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ')[19];
  } catch {
    return undefined;
  }
}

/**
 * The process id of a worker that the runner `process` started. `workers_dir`: the folder with all workers' folders.
 */
export function workerPid(workers_dir: string, name: string): number {
  const text = readFileSync(join(workers_dir, name, 'process.json'), 'utf8');
  return z.object({ pid: z.number() }).parse(JSON.parse(text)).pid;
}

/** The command lines of the children of a process. */
export function childrenOf(pid: number): string[] {
  const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  return pids.flatMap((child) => {
    try {
      return [readFileSync(`/proc/${child}/cmdline`, 'latin1').replaceAll('\0', ' ').trim()];
    } catch {
      return []; // It has ended since.
    }
  });
}
