import { readFileSync, readdirSync } from 'node:fs';

/** A process may fork while the list is read: a further round finds the child. */
const ROUNDS_MAX = 3;

/**
 * Kills the processes that have left their group, such as daemons: all whose environment contains `NAME=value`. It
 * reads `/proc`, so it works on Linux only.
 */
export function killStrayProcesses(name: string, value: string): void {
  const variable = Buffer.from(`${name}=${value}\0`);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const found = processIds().filter((pid) => environmentOf(pid)?.includes(variable) === true);
    if (found.length === 0) return;
    for (const pid of found) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    }
  }
}

function processIds(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

function environmentOf(pid: number): Buffer | undefined {
  try {
    return readFileSync(`/proc/${pid}/environ`);
  } catch {
    return undefined;
  }
}
