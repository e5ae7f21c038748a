import { spawn } from 'node:child_process';
import { dirname } from 'node:path';

/** How a git command ended. `stdout` is cut at its bound, and then `truncated`. */
export type GitEnd = { code: number | null; stdout: Buffer; stderr: string; truncated: boolean };

export type GitOptions = {
  /** More of the environment than `GIT_ENV`. */
  env?: Record<string, string>;
  input?: string;
  time_limit_ms?: number;
  stdout_bytes_max?: number;
};

const TIME_LIMIT_MS = 120_000;
const STDOUT_BYTES_MAX = 16 * 1024 * 1024;
const STDERR_CHARS_MAX = 16_000;

/** What git did not do. `message` has its own words, without its advice. */
class GitError extends Error {
  override readonly name = 'GitError';
  readonly end: GitEnd;

  constructor(command: string, end: GitEnd) {
    super(`git ${command} failed (${end.code ?? 'killed'}): ${lastWords(end.stderr)}`);
    this.end = end;
  }
}

/** What keeps git from asking, for the worker's commands and the agent's: no prompt, no editor, no pager; the folder may be another user's. */
export const GIT_ENV: Readonly<Record<string, string>> = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_EDITOR: 'true',
  GIT_PAGER: 'cat',
  GIT_CONFIG_COUNT: '2',
  GIT_CONFIG_KEY_0: 'safe.directory',
  GIT_CONFIG_VALUE_0: '*',
  GIT_CONFIG_KEY_1: 'advice.detachedHead',
  GIT_CONFIG_VALUE_1: 'false',
};

/** Settings of the worker's own commands: what the repository's own folder sets cannot run programs in the midst of them. */
const OWN_SETTINGS = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.quotePath=false',
  'commit.gpgSign=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'submodule.recurse=false',
  'credential.helper=',
  'http.lowSpeedLimit=1',
  'http.lowSpeedTime=120',
].flatMap((setting) => ['-c', setting]);

/** Git in one folder. All commands end, with all that they started, when the signal aborts. */
export class Git {
  readonly dir: string;
  readonly signal: AbortSignal;
  readonly #env: Record<string, string>;

  /** `env` says where programs are; nothing of it may point git elsewhere. */
  constructor(dir: string, env: Record<string, string>, signal: AbortSignal) {
    this.dir = dir;
    this.signal = signal;
    this.#env = { ...env, LC_ALL: 'C.UTF-8', HOME: '/nonexistent', GIT_CONFIG_GLOBAL: '/dev/null', ...GIT_ENV };
    // A repository that is broken must not be taken for the one around it.
    this.#env.GIT_CEILING_DIRECTORIES = dirname(dir);
  }

  /** Runs git and gives its output without the last newline. Throws `GitError` where it fails. */
  async run(args: string[], options: GitOptions = {}): Promise<string> {
    const end = await this.try(args, options);
    if (end.code !== 0) throw new GitError(args.find((arg) => !arg.startsWith('-')) ?? '', end);
    return end.stdout.toString('utf8').replace(/\n$/, '');
  }

  /** Runs git to its end, whatever that is. Rejects only where it cannot be started, or the signal aborts. */
  async try(args: string[], options: GitOptions = {}): Promise<GitEnd> {
    const { time_limit_ms = TIME_LIMIT_MS, stdout_bytes_max = STDOUT_BYTES_MAX } = options;
    this.signal.throwIfAborted();
    const env = { ...this.#env, ...options.env };
    // A group of its own: git's helpers end with it.
    const child = spawn('git', [...OWN_SETTINGS, ...args], { cwd: this.dir, env, detached: true });
    const kill = () => killGroup(child.pid);
    const timer = setTimeout(kill, time_limit_ms);
    this.signal.addEventListener('abort', kill, { once: true });
    const out: Buffer[] = [];
    let bytes = 0;
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      if (bytes < stdout_bytes_max) out.push(chunk.subarray(0, stdout_bytes_max - bytes));
      bytes += chunk.length;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-STDERR_CHARS_MAX);
    });
    // A git that ends before it has read its input is judged by its exit code.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    try {
      const code = await new Promise<number | null>((resolve, reject) => {
        child.once('error', reject);
        child.once('close', resolve);
      });
      this.signal.throwIfAborted();
      return { code, stdout: Buffer.concat(out), stderr, truncated: bytes > stdout_bytes_max };
    } finally {
      clearTimeout(timer);
      this.signal.removeEventListener('abort', kill);
    }
  }

  /** The commit that a name stands for, and its tree; null where there is none. */
  async look(name: string): Promise<{ commit: string; tree: string } | null> {
    const end = await this.try(['rev-parse', `${name}^{commit}`, `${name}^{tree}`]);
    const [commit = '', tree = ''] = end.stdout.toString('utf8').split('\n');
    return end.code === 0 ? { commit, tree } : null;
  }

  async commit(name: string): Promise<string | null> {
    return (await this.look(name))?.commit ?? null;
  }
}

/** What git said last, for a person: its errors, without hints and progress. Where the other side gave its reasons, git's own summary of them goes. */
export function lastWords(stderr: string): string {
  const said = stderr
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(hint:|Counting|Compressing|Writing|Delta|Total|Enumerating)/.test(line));
  const explained = said.some((line) => line.startsWith('remote: '));
  const lines = said
    .filter((line) => !explained || !/^fatal: unable to access .* The requested URL returned error/.test(line))
    .map((line) => line.replace(/^remote: /, ''));
  return lines.slice(-4).join('; ').slice(0, 1000) || 'no reason was given';
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
