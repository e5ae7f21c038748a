import { readdirSync, readFileSync } from 'node:fs';

/*
 * Reads the processes of this machine from Linux's /proc. A process is identified by its id and the time of its start,
 * because ids are reused.
 */

/** `started`: in clock ticks since the machine's start. */
export type ProcessId = { pid: number; started: number };

type Stat = ProcessId & { group: number; ended: boolean };

/** The running process with this id; undefined if there is none, or it is a zombie. */
export function findProcess(pid: number): ProcessId | undefined {
  const stat = readStat(pid);
  return stat && !stat.ended ? { pid, started: stat.started } : undefined;
}

/** Whether this very process still runs. */
export function isAlive({ pid, started }: ProcessId): boolean {
  return findProcess(pid)?.started === started;
}

/** Whether this machine has Linux's /proc. */
export function hasProc(): boolean {
  return findProcess(process.pid) !== undefined;
}

/**
 * The ids of all running processes of a worker: those of its process group, and those with its HOME, which child
 * processes inherit. So it also finds a command in another group that outlived the worker.
 */
export function listProcesses(leader: ProcessId, home: string): number[] {
  // The kernel does not reuse a group's id while the group has members: if the leader is another process, the group
  // is gone.
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
    // The process belongs to another user, or has just exited.
    return false;
  }
}

function readStat(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the command's name in parentheses, which may contain any character.
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
