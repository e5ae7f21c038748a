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
import { workerEnvironment, type Launcher, type LaunchSpec } from '../local/launcher.ts';
import { OUTPUT_CHARS_MAX, type WorkerEnd } from '../runner.ts';
import { findProcess, hasProc, isAlive, listProcesses } from './processes.ts';

/** Between two looks at a process that is not a child of this one. */
const LOOK_MS = 200;
const KILL_LOOK_MS = 10;
/** How long killed processes may take to go. */
const KILL_MS = 5_000;
const OUTPUT_BYTES_MAX = 10 * 1024 * 1024;
const SIGKILL = 9;

/** What is known of a worker's process, beside its link: enough to find it again after a restart of this server. */
const ProcessFile = z.object({ pid: z.number().int(), started: z.number(), home: z.string() });
type ProcessFile = z.infer<typeof ProcessFile>;

export type ProcessLauncherOptions = {
  /** Holds a folder for each worker: `WorkerDirectories.workers_dir`. */
  workers_dir: string;
  /** The worker's program: a TypeScript file that this process's Node runs. */
  entry: string;
  /** The worker's environment, besides what its link brings. No secrets. */
  env: Record<string, string>;
};

/**
 * Workers as processes of this machine, without isolation: a trial without Docker. A worker is the leader of a process group of its own, and
 * outlives this process. The limits of a `WorkerSpec` do not hold here.
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
    const there = this.#read(spec.name);
    if (there && isAlive(there)) return;
    const child = await this.#spawn(spec);
    this.#ends.set(spec.name, this.#exited(spec.name, child));
  }

  async ended(name: string): Promise<WorkerEnd> {
    const own = this.#ends.get(name);
    if (own) return own;
    const found = this.#read(name);
    if (found) await this.#hasGone(found);
    return { exit_code: null, out_of_memory: false, output: this.#readOutput(name) };
  }

  async remove(name: string): Promise<void> {
    const found = this.#read(name);
    if (found) await killAll(found);
    this.#ends.delete(name);
    await rm(this.#processFile(name), { force: true });
    await rm(this.#outputFile(name), { force: true });
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
      return "Workers as processes need Linux's /proc, which is not here. Use Docker: ERRAND_RUNNER=docker.";
    const { entry } = this.#options;
    return existsSync(entry) ? null : `The worker's program ${entry} is not there.`;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  async #spawn(spec: LaunchSpec): Promise<ChildProcess> {
    const output = openSync(this.#outputFile(spec.name), 'a', 0o600);
    const env = { ...this.#options.env, ...workerEnvironment(spec.mounts) };
    const child = spawn(process.execPath, [this.#options.entry], {
      cwd: spec.mounts.workspace_dir,
      env,
      detached: true,
      // A file, and not a pipe: a pipe would break with this process.
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    child.unref();
    try {
      // In the same turn as the start: there is no moment in which a worker runs that nobody would find again.
      if (child.pid !== undefined) this.#write(spec.name, { pid: child.pid, home: env.HOME ?? '' });
      await once(child, 'spawn');
      return child;
    } catch (error) {
      throw new ErrandError('unavailable', 'The worker could not be started as a process.', { cause: error });
    }
  }

  /** Resolves when the process has gone; never after `close`. */
  async #hasGone(process: ProcessFile): Promise<void> {
    while (isAlive(process)) {
      if (this.#closed) await new Promise(() => undefined);
      await delay(LOOK_MS, undefined, { ref: false });
    }
  }

  async #exited(name: string, child: ChildProcess): Promise<WorkerEnd> {
    const exited = () => child.exitCode !== null || child.signalCode !== null;
    if (!exited()) await once(child, 'exit');
    // As a shell says it; which signal it was matters to nobody but for the one that cannot be caught.
    const exit_code = child.exitCode ?? (child.signalCode === 'SIGKILL' ? 128 + SIGKILL : null);
    return { exit_code, out_of_memory: false, output: exit_code === 0 ? '' : this.#readOutput(name) };
  }

  #processFile(name: string): string {
    return join(this.#options.workers_dir, name, 'process.json');
  }

  #outputFile(name: string): string {
    return join(this.#options.workers_dir, name, 'output.log');
  }

  #write(name: string, { pid, home }: { pid: number; home: string }): void {
    const started = findProcess(pid)?.started;
    // It has ended already: its end is known without a file.
    if (started === undefined) return;
    writeFileSync(this.#processFile(name), JSON.stringify({ pid, started, home } satisfies ProcessFile), {
      mode: 0o600,
    });
  }

  #read(name: string): ProcessFile | undefined {
    try {
      return ProcessFile.parse(JSON.parse(readFileSync(this.#processFile(name), 'utf8')));
    } catch {
      // No such worker, or one whose file was cut off by a crash of the whole machine, which ended it too.
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

  /** Each worker appends to its file: what is cut off makes room from the start. */
  #shortenOutput(name: string): void {
    const file = this.#outputFile(name);
    if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > OUTPUT_BYTES_MAX) truncateSync(file);
  }
}

/** Kills a worker and all that it started; rejects where something of it is still there after `KILL_MS`. */
async function killAll({ home, ...leader }: ProcessFile): Promise<void> {
  const until = performance.now() + KILL_MS;
  for (;;) {
    const pids = listProcesses(leader, home);
    if (pids.length === 0) return;
    if (performance.now() > until) throw new Error(`Processes of a worker do not end: ${pids.join(', ')}.`);
    // Anew each time: what was started meanwhile is there too.
    for (const pid of pids) kill(pid);
    await delay(KILL_LOOK_MS);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has gone by itself.
  }
}
