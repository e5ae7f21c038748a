import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** How long a process has between the request to end and the kill: after its time limit, and at a cancel, which must be quick. */
const TIMEOUT_GRACE_MS = 2_000;
const ABORT_GRACE_MS = 100;
/** How long a pipe that somebody still holds is read after the process has gone. */
const DRAIN_MS = 200;

export type GroupOptions = {
  cwd: string;
  env: Record<string, string>;
  /** Aborts: the group ends, and `exited` rejects with the signal's reason. */
  signal: AbortSignal;
  timeout_ms?: number;
  onData: (bytes: Buffer, from: 'stdout' | 'stderr') => void;
};

export type GroupExit = {
  /** Null where a signal ended it. */
  exit_code: number | null;
  ended_by: NodeJS.Signals | null;
  timed_out: boolean;
  /** Whether processes of the group outlived the first one, and were ended. */
  left_behind: boolean;
  duration_ms: number;
};

export type Group = {
  exited: Promise<GroupExit>;
  /** Ends the whole group, and waits until it has. */
  end: () => Promise<void>;
};

/**
 * Starts a program at the head of a process group of its own, with nothing on its stdin. When it exits, is ended or runs out of time, its whole
 * group goes. `exited` rejects where the program cannot be started.
 */
export function startGroup(file: string, args: string[], options: GroupOptions): Group {
  const { cwd, env, signal, onData } = options;
  const started = performance.now();
  const child = spawn(file, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.on('data', (bytes: Buffer) => onData(bytes, 'stdout'));
  child.stderr.on('data', (bytes: Buffer) => onData(bytes, 'stderr'));
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  child.once('close', () => close());
  const { promise: gone, resolve, reject } = Promise.withResolvers<[number | null, NodeJS.Signals | null]>();
  child.once('error', reject);
  child.once('exit', (code, by) => resolve([code, by]));

  let timed_out = false;
  let ending: Promise<void> | undefined;
  const end = (grace_ms: number) => (ending ??= endGroup(child.pid, grace_ms, gone));
  const onAbort = () => void end(ABORT_GRACE_MS);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const timer = setTimeout(
    () => {
      timed_out = true;
      void end(TIMEOUT_GRACE_MS);
    },
    options.timeout_ms ?? 2 ** 31 - 1,
  );

  const exited = (async (): Promise<GroupExit> => {
    try {
      const [exit_code, ended_by] = await gone;
      const left_behind = ending === undefined && signalGroup(child.pid, 0);
      await (ending ?? endGroup(child.pid, 0, gone));
      await Promise.race([closed, pause(DRAIN_MS)]);
      signal.throwIfAborted();
      return { exit_code, ended_by, timed_out, left_behind, duration_ms: Math.round(performance.now() - started) };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      child.stdout.destroy();
      child.stderr.destroy();
    }
  })();
  // Whoever waits for it sees the failure; one that nobody waits for must not end the worker.
  exited.catch(() => undefined);
  return {
    exited,
    end: async () => {
      await end(ABORT_GRACE_MS);
      await exited.catch(() => undefined);
    },
  };
}

async function endGroup(pid: number | undefined, grace_ms: number, gone: Promise<unknown>): Promise<void> {
  if (grace_ms > 0) {
    signalGroup(pid, 'SIGTERM');
    const waited = new AbortController();
    await Promise.race([
      gone.catch(() => undefined),
      pause(grace_ms, undefined, { signal: waited.signal }).catch(() => undefined),
    ]);
    waited.abort();
  }
  signalGroup(pid, 'SIGKILL');
}

/** Whether there was somebody to get the signal. */
function signalGroup(pid: number | undefined, signal: NodeJS.Signals | 0): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

/** Kills the processes that left their group (a daemon, a job of its own session): all whose environment bears `NAME=value`. Linux alone. */
export function killMarked(name: string, value: string): void {
  const mark = Buffer.from(`${name}=${value}\0`);
  // A process may fork while the list is read: a second round finds the child.
  for (let round = 0; round < 3; round++) {
    const found = processIds().filter((pid) => environmentOf(pid)?.includes(mark) === true);
    if (found.length === 0) return;
    for (const pid of found) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
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
