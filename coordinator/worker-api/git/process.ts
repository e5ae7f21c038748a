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

/** Starts git with open stdin and stdout. It is killed when `signal` aborts. */
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
