import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { AttemptFailure } from '../base/failure.ts';
import { GIT_ENV } from '../shell/command-env.ts';
import { hasLfs, LFS_OFF, LFS_ON } from './lfs-settings.ts';
import { startGroup } from '../shell/process-group.ts';

/**
 * How a git command ended. `code` is null if a signal ended it: at its time limit (`timed_out`), or because it was
 * killed. `stdout` is cut at its limit, and then `truncated`.
 */
export type GitResult = {
  code: number | null;
  timed_out: boolean;
  stdout: Buffer;
  stderr: string;
  truncated: boolean;
};

export type GitOptions = {
  /** Added to the environment. */
  env?: Record<string, string>;
  input?: string;
  time_limit_ms?: number;
  stdout_bytes_max?: number;
  /** Gets the output in pieces, in place of `stdout`. */
  onStdout?: (chunk: Buffer) => void;
};

const TIME_LIMIT_MS = 120_000;
const STDOUT_BYTES_MAX = 16 * 1024 * 1024;
const STDERR_CHARS_MAX = 16_000;
const SUMMARY_LINES_MAX = 4;
const SUMMARY_CHARS_MAX = 1_000;

/** A git command failed. `message` quotes its errors. */
export class GitError extends Error {
  override readonly name = 'GitError';

  constructor(command: string, result: GitResult) {
    super(`git ${command} failed (${result.code ?? 'killed'}): ${errorSummary(result)}`);
  }
}

/** Settings of the worker's own commands: no setting of the repository may run a program in the middle of them. */
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

/**
 * Git with one working tree and one git directory. When the signal aborts, all commands end, with the processes that
 * they started.
 */
export class Git {
  readonly dir: string;
  readonly git_dir: string;
  readonly signal: AbortSignal;
  /** Whether its commands store files of Git LFS as pointers. */
  readonly has_lfs: boolean;
  readonly #env: Record<string, string>;
  readonly #settings: string[];

  /**
   * `env` says where programs are. `lfs`: whether git-lfs may run, where it is there. The git directory is named to
   * git, so that neither a setting (`core.worktree`, `core.bare`) nor a file in place of `.git` leads git elsewhere.
   */
  constructor(
    dir: string,
    env: Record<string, string>,
    signal: AbortSignal,
    { git_dir = join(dir, '.git'), lfs }: { git_dir?: string; lfs: boolean },
  ) {
    this.dir = dir;
    this.git_dir = git_dir;
    this.signal = signal;
    this.has_lfs = lfs && hasLfs(env);
    this.#settings = [...OWN_SETTINGS, ...(this.has_lfs ? LFS_ON : LFS_OFF).flatMap((setting) => ['-c', setting])];
    this.#env = { ...env, LC_ALL: 'C.UTF-8', HOME: '/nonexistent', GIT_CONFIG_GLOBAL: '/dev/null', ...GIT_ENV };
    this.#env.GIT_CEILING_DIRECTORIES = dirname(dir);
    this.#env.GIT_DIR = git_dir;
    this.#env.GIT_WORK_TREE = dir;
    // A checkout leaves pointers. Their content is fetched within bounds of its own.
    this.#env.GIT_LFS_SKIP_SMUDGE = '1';
  }

  /**
   * Runs git and returns its output without the last newline. Throws `GitError` if it fails, and `AttemptFailure` if
   * that is because the disk is full.
   */
  async run(args: string[], options: GitOptions = {}): Promise<string> {
    const result = await this.try(args, options);
    if (result.code !== 0) throw runError(args.find((arg) => !arg.startsWith('-')) ?? '', result);
    return result.stdout.toString('utf8').replace(/\n$/, '');
  }

  /** Runs git and returns how it ended. Rejects only if it cannot be started, or when the signal aborts. */
  async try(args: string[], options: GitOptions = {}): Promise<GitResult> {
    const { time_limit_ms = TIME_LIMIT_MS, stdout_bytes_max = STDOUT_BYTES_MAX, input, onStdout } = options;
    this.signal.throwIfAborted();
    const out: Buffer[] = [];
    let bytes = 0;
    const errors = new StringDecoder('utf8');
    let stderr = '';
    const { exited } = startGroup('git', [...this.#settings, ...args], {
      cwd: this.dir,
      env: { ...this.#env, ...options.env },
      signal: this.signal,
      input,
      timeout_ms: time_limit_ms,
      // What follows depends on the whole output.
      drain_ms: time_limit_ms,
      onData: (chunk, from) => {
        if (from === 'stderr') stderr = (stderr + errors.write(chunk)).slice(-STDERR_CHARS_MAX);
        else if (onStdout) onStdout(chunk);
        else {
          if (bytes < stdout_bytes_max) out.push(chunk.subarray(0, stdout_bytes_max - bytes));
          bytes += chunk.length;
        }
      },
    });
    const { exit_code, timed_out } = await exited;
    return { code: exit_code, timed_out, stdout: Buffer.concat(out), stderr, truncated: bytes > stdout_bytes_max };
  }

  /** The commit that a name stands for, and its tree; null if there is none. */
  async resolve(name: string): Promise<{ commit: string; tree: string } | null> {
    const { code, stdout } = await this.try(['rev-parse', `${name}^{commit}`, `${name}^{tree}`]);
    const [commit = '', tree = ''] = stdout.toString('utf8').split('\n');
    return code === 0 ? { commit, tree } : null;
  }

  async commit(name: string): Promise<string | null> {
    return (await this.resolve(name))?.commit ?? null;
  }

  /** Whether `older` is an ancestor of `newer`, or the same; undefined: git cannot tell, as where one is missing. */
  async isAncestor(older: string, newer: string): Promise<boolean | undefined> {
    const { code } = await this.try(['merge-base', '--is-ancestor', older, newer]);
    return code === 0 || code === 1 ? code === 0 : undefined;
  }
}

/** The parts of an output with `-z`. */
export function splitNul(output: string | Buffer): string[] {
  return output
    .toString()
    .split('\0')
    .filter((part) => part !== '');
}

/** The paths in the output of `git ls-files -s -z`. */
export const trackedIn = (listed: Buffer): string[] =>
  splitNul(listed).map((line) => line.slice(line.indexOf('\t') + 1));

/** The error of a command that failed: `AttemptFailure` if that is because the disk is full, else `GitError`. */
export function runError(command: string, result: GitResult): Error {
  const error = new GitError(command, result);
  return isDiskFull(result.stderr) ? new AttemptFailure('disk_full', error.message, error) : error;
}

/** Whether git says that the disk is full: this one, not that of the remote. */
export function isDiskFull(stderr: string): boolean {
  return /^(?!remote: ).*(No space left on device|Disk quota exceeded|Out of diskspace)/m.test(stderr);
}

/** Whether git, or a program that it ran, was killed before its time limit: the memory was full, for instance. */
export function wasKilled({ code, timed_out }: GitResult): boolean {
  return !timed_out && (code === null || code === 128 + constants.signals.SIGKILL);
}

/**
 * The last errors in git's output, for people: without hints and progress. If the remote gave reasons, git's own
 * summary of them is left out.
 */
export function errorSummary({ code, timed_out, stderr }: Pick<GitResult, 'code' | 'timed_out' | 'stderr'>): string {
  const lines = stderr
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(hint:|Counting|Compressing|Writing|Delta|Total|Enumerating)/.test(line));
  const has_reasons = lines.some((line) => line.startsWith('remote: '));
  const errors = lines
    .filter((line) => !has_reasons || !/^fatal: unable to access .* The requested URL returned error/.test(line))
    .map((line) => line.replace(/^remote: /, ''));
  const summary = errors.slice(-SUMMARY_LINES_MAX).join('; ').slice(0, SUMMARY_CHARS_MAX);
  if (summary !== '') return summary;
  if (timed_out) return 'it took too long';
  return code === null ? 'it was killed' : 'no reason was given';
}
