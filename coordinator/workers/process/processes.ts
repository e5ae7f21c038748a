import { readdirSync, readFileSync } from 'node:fs';

/*
 * The processes of this machine, as Linux's /proc shows them. A process is named by its id and the time of its start: an id alone is given
 * to another process some day.
 */

export type ProcessId = { pid: number; started: number };

type Stat = ProcessId & { group: number; ended: boolean };

/** The process with this id now; undefined where there is none, or only what is left of one until its parent has asked. */
export function findProcess(pid: number): ProcessId | undefined {
  const stat = readStat(pid);
  return stat && !stat.ended ? { pid, started: stat.started } : undefined;
}

export function isAlive({ pid, started }: ProcessId): boolean {
  return findProcess(pid)?.started === started;
}

/** Whether processes can be watched here at all. */
export function hasProc(): boolean {
  return findProcess(process.pid) !== undefined;
}

/**
 * All living processes of a worker: those of its group, and those that were started with its HOME, which what it starts inherits. So a command
 * that has a group of its own, and outlived the worker, is found as well.
 */
export function listProcesses(leader: ProcessId, home: string): number[] {
  // The id of a group is given to no new process as long as the group has members: another leader means that there are none.
  const group_is_ours = (readStat(leader.pid)?.started ?? leader.started) === leader.started;
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      const stat = readStat(pid);
      if (!stat || stat.ended || pid === process.pid) return false;
      return (group_is_ours && stat.group === leader.pid) || hasHome(pid, home);
    });
}

function hasHome(pid: number, home: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`HOME=${home}`);
  } catch {
    // Another user's process, or one that has just gone.
    return false;
  }
}

function readStat(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the command's name in parentheses, which may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return {
      pid,
      started: Number(fields[19]),
      group: Number(fields[2]),
      ended: fields[0] === 'Z' || fields[0] === 'X',
    };
  } catch {
    return undefined;
  }
}
