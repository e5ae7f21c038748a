import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { ErrandError } from '../../../protocol/problem.ts';
import { writtenBytes } from '../written-bytes.ts';
import { workerEnvironment, type Launcher, type LaunchSpec } from '../local/launcher.ts';
import { OUTPUT_CHARS_MAX, type WorkerEnd } from '../runner.ts';
import { findProcess, hasProc, isAlive, listProcesses } from './processes.ts';

/** Between two checks of a process that is not a child of this one. */
const POLL_MS = 200;
const KILL_POLL_MS = 10;
/** How long killed processes may take to disappear. */
const KILL_MS = 5_000;
const OUTPUT_BYTES_MAX = 10 * 1024 * 1024;
const SIGKILL = 9;

/** The file in a worker's folder that identifies its process, to find it again after a restart of the server. */
const ProcessFile = z.object({ pid: z.number().int(), started: z.number(), home: z.string() });
type ProcessFile = z.infer<typeof ProcessFile>;

/**
 * What runs as a worker: a TypeScript file that this process's Node runs, in the workspace; or a command line for the
 * shell, in the folder `cwd`.
 */
type WorkerProgram = { entry: string } | { command: string; cwd: string };

export type ProcessLauncherOptions = {
  /** Has a folder for each worker: `WorkerDirectories.workers_dir`. */
  workers_dir: string;
  program: WorkerProgram;
  /** Further environment variables of the worker. No secrets. */
  env: Record<string, string>;
};

/**
 * Starts workers as processes of this machine, without isolation, for a trial without Docker. A worker is the leader
 * of a process group of its own, and outlives this process. The limits of a `WorkerSpec` are not enforced.
 */
export class ProcessLauncher implements Launcher {
  readonly name = 'process';
  readonly owner: { uid: number; gid: number };
  readonly #options: ProcessLauncherOptions;
  readonly #ends = new Map<string, Promise<WorkerEnd>>();
  #closed = false;

  constructor(options: ProcessLauncherOptions) {
    this.#options = options;
    this.owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  }

  async start(spec: LaunchSpec): Promise<void> {
    const known = this.#read(spec.name);
    if (known && isAlive(known)) return;
    const child = await this.#spawn(spec);
    this.#ends.set(spec.name, this.#exited(spec.name, child));
  }

  async ended(name: string): Promise<WorkerEnd> {
    const own = this.#ends.get(name);
    if (own) return own;
    const found = this.#read(name);
    if (found) await this.#waitUntilGone(found);
    return { exit_code: null, out_of_memory: false, output: this.#readOutput(name) };
  }

  async remove(name: string): Promise<void> {
    const found = this.#read(name);
    if (found) await killAll(found);
    this.#ends.delete(name);
    await rm(this.#processFile(name), { force: true });
    await rm(this.#outputFile(name), { force: true });
  }

  async written(name: string): Promise<number | undefined> {
    const found = this.#read(name);
    return found && writtenBytes(found.pid);
  }

  async list(): Promise<string[]> {
    const { workers_dir } = this.#options;
    if (!existsSync(workers_dir)) return [];
    const names = readdirSync(workers_dir).filter((name) => existsSync(this.#processFile(name)));
    for (const name of names) this.#shortenOutput(name);
    return names;
  }

  async check(): Promise<string | null> {
    if (!hasProc())
      return "Workers as processes need Linux's /proc, which this machine does not have. Use Docker: ERRAND_RUNNER=docker.";
    const { program } = this.#options;
    if ('command' in program || existsSync(program.entry)) return null;
    return `The worker's program ${program.entry} does not exist.`;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  async #spawn(spec: LaunchSpec): Promise<ChildProcess> {
    const output = openSync(this.#outputFile(spec.name), 'a', 0o600);
    const env = { ...this.#options.env, ...workerEnvironment(spec.mounts) };
    const { program } = this.#options;
    const [file, args, cwd] =
      'command' in program
        ? ['/bin/sh', ['-c', program.command], program.cwd]
        : [process.execPath, [program.entry], spec.mounts.workspace_dir];
    const child = spawn(file, args, {
      cwd,
      env,
      detached: true,
      // A file, not a pipe: a pipe would break when this process exits.
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    child.unref();
    try {
      // Written in the same turn as the start, so that a crash never leaves a worker that cannot be found again.
      if (child.pid !== undefined) this.#write(spec.name, { pid: child.pid, home: env.HOME ?? '' });
      await once(child, 'spawn');
      return child;
    } catch (error) {
      throw new ErrandError('unavailable', 'The worker could not be started as a process.', { cause: error });
    }
  }

  /** Resolves when the process is gone. Stays pending after `close`. */
  async #waitUntilGone(process: ProcessFile): Promise<void> {
    while (isAlive(process)) {
      if (this.#closed) await new Promise(() => undefined);
      await delay(POLL_MS, undefined, { ref: false });
    }
  }

  async #exited(name: string, child: ChildProcess): Promise<WorkerEnd> {
    const exited = () => child.exitCode !== null || child.signalCode !== null;
    if (!exited()) await once(child, 'exit');
    // 137, as in a shell. Of the signals only SIGKILL matters, since a worker cannot catch it.
    const exit_code = child.exitCode ?? (child.signalCode === 'SIGKILL' ? 128 + SIGKILL : null);
    return { exit_code, out_of_memory: false, output: this.#readOutput(name) };
  }

  #processFile(name: string): string {
    return join(this.#options.workers_dir, name, 'process.json');
  }

  #outputFile(name: string): string {
    return join(this.#options.workers_dir, name, 'output.log');
  }

  #write(name: string, { pid, home }: { pid: number; home: string }): void {
    const started = findProcess(pid)?.started;
    // It has exited already: its exit code is known without a file.
    if (started === undefined) return;
    writeFileSync(this.#processFile(name), JSON.stringify({ pid, started, home } satisfies ProcessFile), {
      mode: 0o600,
    });
  }

  #read(name: string): ProcessFile | undefined {
    try {
      return ProcessFile.parse(JSON.parse(readFileSync(this.#processFile(name), 'utf8')));
    } catch {
      // There is no such worker, or a crash of the machine cut off its file, and also ended the worker.
      return undefined;
    }
  }

  #readOutput(name: string): string {
    try {
      return readFileSync(this.#outputFile(name), 'utf8').slice(-OUTPUT_CHARS_MAX);
    } catch {
      return '';
    }
  }

  /** Empties a worker's output file that is too large. The worker appends to it, so it continues at the start. */
  #shortenOutput(name: string): void {
    const file = this.#outputFile(name);
    if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > OUTPUT_BYTES_MAX) truncateSync(file);
  }
}

/** Kills a worker and everything that it started. Rejects if a process is left after `KILL_MS`. */
async function killAll({ home, ...leader }: ProcessFile): Promise<void> {
  const until = performance.now() + KILL_MS;
  for (;;) {
    const pids = listProcesses(leader, home);
    if (pids.length === 0) return;
    if (performance.now() > until)
      throw new Error(`Processes of a worker do not exit after SIGKILL: ${pids.join(', ')}.`);
    // Listed again each time, because new processes may have been started meanwhile.
    for (const pid of pids) kill(pid);
    await delay(KILL_POLL_MS);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has exited by itself.
  }
}
