import { spawn } from 'node:child_process';
import { TIMER_MS_MAX } from '../base/sleep.ts';
import { within } from '../base/within.ts';

/** How long a process has between SIGTERM and SIGKILL: after its time limit, and on an abort, which must be quick. */
const TIMEOUT_GRACE_MS = 2_000;
const ABORT_GRACE_MS = 100;
/** How long output is read after the process has gone, while another process still holds its pipe. */
const DRAIN_MS = 200;

type GroupOptions = {
  cwd: string;
  env: Record<string, string>;
  /** Aborts: the group ends, and `exited` rejects with the signal's reason. */
  signal: AbortSignal;
  timeout_ms?: number;
  onData: (bytes: Buffer, from: 'stdout' | 'stderr') => void;
};

export type GroupExit = {
  /** Null if a signal ended it. */
  exit_code: number | null;
  ended_by: NodeJS.Signals | null;
  timed_out: boolean;
  /** Whether processes of the group outlived the first one, and were killed. */
  left_behind: boolean;
  duration_ms: number;
};

export type Group = {
  exited: Promise<GroupExit>;
  /** Ends the whole group, and waits until it has ended. */
  end: () => Promise<void>;
};

/**
 * Starts a program as the head of a process group of its own, with an empty stdin. When it exits, is ended or exceeds
 * its time limit, the whole group is killed. `exited` rejects if the program cannot be started.
 */
export function startGroup(file: string, args: string[], options: GroupOptions): Group {
  const { cwd, env, signal, timeout_ms = TIMER_MS_MAX, onData } = options;
  const started = performance.now();
  const child = spawn(file, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.on('data', (bytes: Buffer) => onData(bytes, 'stdout'));
  child.stderr.on('data', (bytes: Buffer) => onData(bytes, 'stderr'));
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  child.once('close', () => close());
  const { promise: gone, resolve, reject } = Promise.withResolvers<[number | null, NodeJS.Signals | null]>();
  child.once('error', reject);
  child.once('exit', (code, by) => resolve([code, by]));

  let ending: Promise<void> | undefined;
  const end = (grace_ms: number) => (ending ??= endGroup(child.pid, grace_ms, gone));
  const onAbort = () => void end(ABORT_GRACE_MS);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();

  const exited = (async (): Promise<GroupExit> => {
    try {
      const timed_out = (await within(timeout_ms, gone)) === undefined;
      if (timed_out) void end(TIMEOUT_GRACE_MS);
      const [exit_code, ended_by] = await gone;
      const left_behind = ending === undefined && signalGroup(child.pid, 0);
      await (ending ?? endGroup(child.pid, 0, gone));
      await within(DRAIN_MS, closed);
      signal.throwIfAborted();
      return { exit_code, ended_by, timed_out, left_behind, duration_ms: Math.round(performance.now() - started) };
    } finally {
      signal.removeEventListener('abort', onAbort);
      child.stdout.destroy();
      child.stderr.destroy();
    }
  })();
  // A failure that nobody waits for must not end the worker.
  exited.catch(() => undefined);
  return {
    exited,
    end: async () => {
      await end(ABORT_GRACE_MS);
      await exited.catch(() => undefined);
    },
  };
}

/** How a command ended, for people and the model. */
export function describeExit({ exit_code, ended_by, timed_out }: GroupExit): string {
  if (timed_out) return 'ended at its time limit';
  return exit_code === null ? `ended by ${ended_by ?? 'a signal'}` : `exit code ${exit_code}`;
}

/** Signals a process group. Returns whether there was a process to get the signal; 0 only asks. */
export function signalGroup(pid: number | undefined, signal: NodeJS.Signals | 0): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

async function endGroup(pid: number | undefined, grace_ms: number, gone: Promise<unknown>): Promise<void> {
  if (grace_ms > 0) {
    signalGroup(pid, 'SIGTERM');
    await within(grace_ms, gone).catch(() => undefined);
  }
  signalGroup(pid, 'SIGKILL');
}
