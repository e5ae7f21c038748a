import { within } from '../../base/deadline.ts';
import type { Runner, Worker, WorkerEnd, WorkerListeners, WorkerSpec } from '../runner.ts';
import type { Workspaces } from '../workspaces.ts';
import type { Launcher } from './launcher.ts';
import { SocketChannel } from './socket-channel.ts';
import { tryIsolation } from './try-isolation.ts';
import type { WorkerDirectories } from './worker-directories.ts';

/** How long closing a worker's socket may take. */
const DETACH_MS = 2_000;

export type LocalRunnerDependencies = {
  launcher: Launcher;
  directories: WorkerDirectories;
  workspaces: Workspaces;
  listeners: WorkerListeners;
};

/**
 * Runs workers on this machine. Each worker has two directories with unix sockets, one for its calls and one for
 * calls to it.
 */
export class LocalRunner implements Runner {
  readonly name: string;
  readonly can_call = true;
  readonly tryIsolation?: NonNullable<Runner['tryIsolation']>;
  readonly checkImage?: NonNullable<Runner['checkImage']>;
  readonly #launcher: Launcher;
  readonly #directories: WorkerDirectories;
  readonly #workspaces: Workspaces;
  readonly #listeners: WorkerListeners;

  constructor({ launcher, directories, workspaces, listeners }: LocalRunnerDependencies) {
    this.name = launcher.name;
    this.#launcher = launcher;
    this.#directories = directories;
    this.#workspaces = workspaces;
    this.#listeners = listeners;
    if (launcher.checkImage) this.checkImage = launcher.checkImage.bind(launcher);
    const tryIn = launcher.tryIsolation?.bind(launcher);
    const { owner } = launcher;
    const { data_dir } = directories;
    if (tryIn)
      this.tryIsolation = (image, limits, watch) => tryIsolation(tryIn, { data_dir, owner, image, limits }, watch);
  }

  async open({ workspace, ...spec }: WorkerSpec): Promise<Worker> {
    const { name } = spec;
    const launcher = this.#launcher;
    const { coordinator_dir, coordinator_socket, worker_dir } = this.#directories.make(name);
    const listener = await this.#listeners.listenOnSocket(coordinator_socket, name);
    let detached: Promise<void> | undefined;
    const detach = () => (detached ??= within(DETACH_MS, listener.close()));
    let ended: Promise<WorkerEnd> | undefined;
    return {
      name,
      workspace,
      channel: new SocketChannel(name, worker_dir),
      local_dirs: [this.#workspaces.path(workspace), worker_dir],
      written: async () => launcher.written?.(name),
      get ended() {
        return (ended ??= launcher.ended(name));
      },
      start: async () => {
        const workspace_dir = this.#workspaces.make(workspace, launcher.owner);
        await launcher.start({ ...spec, mounts: { coordinator_dir, worker_dir, workspace_dir } });
      },
      detach,
      remove: async () => {
        await launcher.remove(name);
        await detach();
        await this.#directories.remove(name);
      },
    };
  }

  async list(): Promise<string[]> {
    return [...new Set([...(await this.#launcher.list()), ...this.listLocal()])];
  }

  /**
   * The names of workers with directories. The directories are removed last, so a worker without any does not exist.
   */
  listLocal(): string[] {
    return this.#directories.list();
  }

  async remove(name: string): Promise<void> {
    await this.#launcher.remove(name);
    await this.#directories.remove(name);
  }

  check(): Promise<string | null> {
    return this.#launcher.check();
  }

  close(): Promise<void> {
    return this.#launcher.close();
  }
}
