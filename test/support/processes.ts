import { readFileSync } from 'node:fs';

/** Whether a process is there, and not just waiting to be reaped. Linux alone. */
export function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}
