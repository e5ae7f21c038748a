import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunnerContext } from '../../coordinator/workers/choice/choose-runner.ts';
import {
  OUTPUT_CHARS_MAX,
  type Runner,
  type TaskGrant,
  type Worker,
  type WorkerEnd,
  type WorkerSpec,
} from '../../coordinator/workers/runner.ts';
import { bundled } from './bundled.ts';

const ENTRY = bundled('agent-container');

/**
 * A runner like one for other machines: its workers share no folder with the coordinator and cannot be called. They get
 * only the coordinator's TCP address and a task token in their environment. `machine_dir` represents the other machine.
 */
export class RemoteRunner implements Runner {
  readonly name = 'remote';
  readonly can_call = false;
  readonly #machine_dir: string;
  readonly #origin: string;
  readonly #processes = new Map<string, { child: ChildProcess; ended: Promise<WorkerEnd> }>();

  constructor(machine_dir: string, origin: string) {
    this.#machine_dir = machine_dir;
    this.#origin = origin;
  }

  /** A function for the `openRunner` option of `start`. */
  static opener(machine_dir: string): (context: RunnerContext) => Promise<Runner> {
    return async ({ listeners }) => new RemoteRunner(machine_dir, await listeners.listenOnTcp());
  }

  async open(spec: WorkerSpec): Promise<Worker> {
    const { name } = spec;
    const ended = async () =>
      (await this.#processes.get(name)?.ended) ?? { exit_code: null, out_of_memory: false, output: '' };
    let end: Promise<WorkerEnd> | undefined;
    return {
      name,
      workspace: spec.workspace,
      channel: null,
      local_dirs: [],
      start: (grant) => this.#start(spec, grant),
      get ended() {
        return (end ??= ended());
      },
      detach: () => Promise.resolve(),
      remove: () => this.remove(name),
    };
  }

  list(): Promise<string[]> {
    return Promise.resolve(workersOf(this.#machine_dir));
  }

  listLocal(): string[] {
    return [];
  }

  async remove(name: string): Promise<void> {
    const running = this.#processes.get(name);
    if (running?.child.pid !== undefined && running.child.exitCode === null && running.child.signalCode === null)
      process.kill(-running.child.pid, 'SIGKILL');
    await running?.ended;
    this.#processes.delete(name);
    await rm(join(this.#machine_dir, 'workers', name), { recursive: true, force: true });
  }

  check(): Promise<string | null> {
    return Promise.resolve(null);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #start({ name, workspace }: WorkerSpec, grant: TaskGrant | undefined): Promise<void> {
    if (!grant) throw new Error('A worker that cannot be called needs a grant.');
    if (this.#processes.has(name)) return;
    const home = join(this.#machine_dir, 'workers', name);
    const workspace_dir = join(this.#machine_dir, 'workspaces', workspace);
    for (const dir of [home, workspace_dir]) await mkdir(dir, { recursive: true });
    const child = spawn(process.execPath, [ENTRY], {
      cwd: workspace_dir,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
        HOME: home,
        ERRAND_COORDINATOR: this.#origin,
        ERRAND_TASK_ID: grant.task_id,
        ERRAND_TASK_TOKEN: grant.token,
        ERRAND_WORKSPACE: workspace_dir,
        ERRAND_SPOOL: join(workspace_dir, 'spool'),
      },
    });
    await once(child, 'spawn');
    this.#processes.set(name, { child, ended: endOf(child) });
  }
}

/** The names of the workers of a machine, running or not yet removed. */
export function workersOf(machine_dir: string): string[] {
  const dir = join(machine_dir, 'workers');
  return existsSync(dir) ? readdirSync(dir) : [];
}

async function endOf(child: ChildProcess): Promise<WorkerEnd> {
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-OUTPUT_CHARS_MAX)));
  await once(child, 'exit');
  return { exit_code: child.exitCode, out_of_memory: false, output: child.exitCode === 0 ? '' : output };
}
