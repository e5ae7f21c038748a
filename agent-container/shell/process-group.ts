import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { TIMER_MS_MAX } from '../base/sleep.ts';
import { within } from '../base/within.ts';
import { isGroupRunning } from './stray-processes.ts';

/** How long a process has between SIGTERM and SIGKILL: after its time limit, and on an abort, which must be quick. */
const TIMEOUT_GRACE_MS = 2_000;
const ABORT_GRACE_MS = 100;
/** Of `drain_ms`, if it is not given. */
const DRAIN_MS = 200;
/** A process that ends within this time after the first one was not left behind, such as the last one of a pipe. */
const OUTLIVE_MS = 250;
const POLL_MS = 10;

type GroupOptions = {
  cwd: string;
  env: Record<string, string>;
  /** Aborts: the group ends, and `exited` rejects with the signal's reason. */
  signal: AbortSignal;
  /** What the program gets on its stdin. Otherwise that is empty. */
  input?: string | undefined;
  timeout_ms?: number;
  /** How long output is read after the group has ended, while a process outside of it still holds the pipe. */
  drain_ms?: number;
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
 * Starts a program as the head of a process group of its own. When it exits, is ended or exceeds its time limit, the
 * whole group is killed. `exited` rejects if the program cannot be started.
 */
export function startGroup(file: string, args: string[], options: GroupOptions): Group {
  const { cwd, env, signal, input, timeout_ms = TIMER_MS_MAX, drain_ms = DRAIN_MS, onData } = options;
  const started = performance.now();
  const head = { cwd, env, detached: true };
  const child =
    input === undefined
      ? spawn(file, args, { ...head, stdio: ['ignore', 'pipe', 'pipe'] })
      : spawn(file, args, { ...head, stdio: ['pipe', 'pipe', 'pipe'] });
  // If it exits before it has read its input, its exit code says whether that is an error.
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
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
      const left_behind = ending === undefined && (await outlives(child.pid));
      await (ending ?? endGroup(child.pid, 0, gone));
      await within(drain_ms, closed);
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
function signalGroup(pid: number | undefined, signal: NodeJS.Signals | 0): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

/** Whether the group still has a process when its first one has been gone for a while. */
async function outlives(pid: number | undefined): Promise<boolean> {
  const until = performance.now() + OUTLIVE_MS;
  while (signalGroup(pid, 0) && isGroupRunning(pid)) {
    if (performance.now() > until) return true;
    await delay(POLL_MS);
  }
  return false;
}

async function endGroup(pid: number | undefined, grace_ms: number, gone: Promise<unknown>): Promise<void> {
  if (grace_ms > 0) {
    signalGroup(pid, 'SIGTERM');
    await within(grace_ms, gone).catch(() => undefined);
  }
  signalGroup(pid, 'SIGKILL');
}
