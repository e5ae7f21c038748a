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

/**
 * Whether a process of the group runs. One that has ended is still there until PID 1 reaps it, which may take seconds.
 * Without `/proc` they all count as running.
 */
export function isGroupRunning(group: number | undefined): boolean {
  const pids = processIds();
  return pids.length === 0 || pids.some((pid) => readGroup(pid) === String(group));
}

/** The group of a process that runs. */
function readGroup(pid: number): string | undefined {
  try {
    // The name of the program, in parentheses, may hold anything: the state, the parent and the group follow it.
    const [state, , group] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? [];
    return state === 'Z' ? undefined : group;
  } catch {
    return undefined;
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
