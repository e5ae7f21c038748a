import { execFile, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * The whole environment of a git that the coordinator runs: none of the server's own, no configuration of the machine or the user, no prompt. Git
 * runs on the bare sample repository alone, never in a tree that an agent wrote.
 */
const ENVIRONMENT = {
  PATH: '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin',
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
};

/** Settings of the command line outrank those of the repository: no hook runs, and nothing is left running afterwards. */
const SETTINGS = ['core.hooksPath=/dev/null', 'core.fsmonitor=false', 'gc.auto=0', 'receive.autogc=false'];

function withSettings(args: string[], settings: string[] = []): string[] {
  return [...[...SETTINGS, ...settings].flatMap((setting) => ['-c', setting]), ...args];
}

/** Runs git to its end, and gives what it printed. Rejects where it fails, or takes longer than 30 s. */
export async function runGit(args: string[], env: Record<string, string> = {}): Promise<string> {
  const options = { env: { ...ENVIRONMENT, ...env }, timeout: 30_000 };
  const { stdout } = await promisify(execFile)('git', withSettings(args), options);
  return stdout;
}

/** Starts git with its streams open. It is killed once `signal` aborts. */
export function startGit(
  args: string[],
  options: { settings: string[]; env: Record<string, string>; signal: AbortSignal },
): ChildProcessWithoutNullStreams {
  const { settings, env, signal } = options;
  return spawn('git', withSettings(args, settings), {
    env: { ...ENVIRONMENT, ...env },
    signal,
    killSignal: 'SIGKILL',
  });
}
