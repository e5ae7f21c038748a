import { execFile, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * The environment of git processes: nothing of the server's own environment, no system or user configuration, no
 * prompts. Git runs only in the bare sample repository, never in a working tree that an agent wrote.
 */
const ENVIRONMENT = {
  PATH: '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin',
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
};

/** Command-line settings override the repository's own: no hook runs, and no background process stays behind. */
const SETTINGS = ['core.hooksPath=/dev/null', 'core.fsmonitor=false', 'gc.auto=0', 'receive.autogc=false'];

function withSettings(args: string[], settings: string[] = []): string[] {
  return [...[...SETTINGS, ...settings].flatMap((setting) => ['-c', setting]), ...args];
}

/** Runs git and resolves with its standard output. Rejects where it fails or takes longer than 30 s. */
export async function runGit(args: string[], env: Record<string, string> = {}): Promise<string> {
  const options = { env: { ...ENVIRONMENT, ...env }, timeout: 30_000 };
  const { stdout } = await promisify(execFile)('git', withSettings(args), options);
  return stdout;
}

/**
 * What one git process may take: what it reads comes from a worker, and a pack of a few megabytes can hold gigabytes.
 * Seconds of CPU, kilobytes of memory, and blocks of 512 bytes that it may write to one file.
 */
const LIMITED = `ulimit -t 20 -v ${1024 * 1024} -f ${(64 * 1024 * 1024) / 512}; exec git "$@"`;
const RUN_MS = 120_000;
/** Big blobs are stored as they come, without deltas; one thread and few objects in memory at a time. */
const FRUGAL = ['core.bigFileThreshold=1m', 'pack.threads=1', 'pack.windowMemory=16m', 'pack.deltaCacheSize=16m'];

/**
 * Starts git with open stdin and stdout, within limits of CPU time, memory, time and the size of a file. It is killed
 * with all that it started when `signal` aborts, or after two minutes.
 */
export function startGit(
  args: string[],
  options: { settings: string[]; env: Record<string, string>; signal: AbortSignal },
): ChildProcessWithoutNullStreams {
  const { settings, env, signal } = options;
  const command = ['-c', LIMITED, 'git', ...withSettings(args, [...FRUGAL, ...settings])];
  const child = spawn('sh', command, { env: { ...ENVIRONMENT, ...env }, detached: true });
  const kill = () => {
    try {
      // The process group: git has helpers of its own.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  };
  const late = setTimeout(kill, RUN_MS);
  if (signal.aborted) kill();
  else signal.addEventListener('abort', kill, { once: true });
  child.once('close', () => {
    clearTimeout(late);
    signal.removeEventListener('abort', kill);
  });
  return child;
}
