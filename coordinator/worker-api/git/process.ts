import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { pipeline, Readable, Transform, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';

/**
 * The environment of git processes: nothing of the server's own environment, no system or user configuration, no
 * prompts. Git runs only in bare sample repositories, never in a working tree that an agent wrote.
 */
const ENVIRONMENT = {
  PATH: '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin',
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
};

/** Command-line settings override the repository's own: no hook runs, and no background process stays behind. */
const SAFE = ['core.hooksPath=/dev/null', 'core.fsmonitor=false', 'gc.auto=0', 'receive.autogc=false'];
/** Big blobs are stored as they come, without deltas; one thread and few objects in memory at a time. */
const FRUGAL = [
  'core.bigFileThreshold=1m',
  'core.packedGitWindowSize=16m',
  'core.packedGitLimit=64m',
  'core.deltaBaseCacheLimit=16m',
  'pack.threads=1',
  'pack.windowMemory=16m',
  'pack.deltaCacheSize=16m',
];

/**
 * What one git process may take, whatever it reads: a pack of a few megabytes can hold gigabytes, which come from a
 * worker.
 */
export const GIT_LIMITS = {
  cpu_s_max: 20,
  /** Of address space. */
  memory_bytes_max: 256 * 1024 * 1024,
  /** Of each file that it writes. */
  file_bytes_max: 64 * 1024 * 1024,
  output_bytes_max: 128 * 1024 * 1024,
  run_ms_max: 120_000,
} as const;
/**
 * `ulimit` takes seconds, kilobytes, and blocks of 512 bytes; one limit each, in some shells. Other processes go first.
 */
const LIMITED = [
  `ulimit -t ${GIT_LIMITS.cpu_s_max}`,
  `ulimit -v ${GIT_LIMITS.memory_bytes_max / 1024}`,
  `ulimit -f ${GIT_LIMITS.file_bytes_max / 512}`,
  'ulimit -c 0',
  'exec nice -n 10 git "$@"',
].join(' && ');

type GitOptions = {
  settings?: string[];
  env?: Record<string, string>;
  signal?: AbortSignal;
  /** By default that of `GIT_LIMITS`. */
  output_bytes_max?: number;
};
type GitProcess = {
  input: Writable;
  output: Readable;
  errors: Readable;
  /** Resolves with the exit code; null: it was killed, or could not start. */
  exit: Promise<number | null>;
};

/**
 * Starts git within `GIT_LIMITS`. It is killed with all that it started when `signal` aborts, and above a limit: then
 * its output ends early. The caller reads both outputs. Every git of the server is started here.
 */
export function startGit(args: string[], options: GitOptions): GitProcess {
  const { settings = [], env = {}, signal, output_bytes_max = GIT_LIMITS.output_bytes_max } = options;
  if (signal?.aborted) return notStarted();
  const given = [...SAFE, ...FRUGAL, ...settings].flatMap((setting) => ['-c', setting]);
  const child = spawn('sh', ['-c', LIMITED, 'git', ...given, ...args], {
    env: { ...ENVIRONMENT, ...env },
    detached: true,
  });
  const kill = () => killGroup(child);
  const late = setTimeout(kill, GIT_LIMITS.run_ms_max);
  signal?.addEventListener('abort', kill, { once: true });
  const output = cutAt(output_bytes_max, kill);
  pipeline(child.stdout, output, () => undefined);
  const exit = new Promise<number | null>((resolve) => {
    child.once('error', () => {
      output.destroy();
      resolve(null);
    });
    child.once('close', (code) => {
      clearTimeout(late);
      signal?.removeEventListener('abort', kill);
      resolve(code);
    });
  });
  return { input: child.stdin, output, errors: child.stderr, exit };
}

/** A killed process would do as well, but a short one may have ended before it is killed. */
function notStarted(): GitProcess {
  const input = new Writable({ write: (_chunk, _encoding, done) => done() });
  return { input, output: Readable.from([]), errors: Readable.from([]), exit: Promise.resolve(null) };
}

/** Runs git and resolves with its standard output. Rejects if it fails. */
export async function runGit(args: string[], env: Record<string, string> = {}): Promise<string> {
  const { input, output, errors, exit } = startGit(args, { env });
  input.on('error', () => undefined).end();
  const [printed, complaint, code] = await Promise.all([text(output).catch(() => ''), text(errors), exit]);
  if (code !== 0) throw new Error(`git ${args.join(' ')} failed (${code ?? 'killed'}): ${complaint.slice(0, 1000)}`);
  return printed;
}

/** Kills the process group: git has helpers of its own. */
function killGroup({ pid }: ChildProcessWithoutNullStreams): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** Passes on at most `bytes_max` bytes. */
function cutAt(bytes_max: number, onOver: () => void): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes <= bytes_max) return done(null, chunk);
      onOver();
      return done(new Error(`git printed more than ${bytes_max} bytes`));
    },
  });
}
