import { setTimeout as delay } from 'node:timers/promises';
import { failpoint } from '../base/failpoints.ts';
import type { WorkerDirectories, Link } from './worker-directories.ts';
import type { Runner, WorkerEnd, WorkerSpec } from './runner.ts';

/**
 * Serves the internal API on a unix socket of one worker's own, in place of one that an earlier process left there. Any user may connect to
 * it: nobody but the worker gets to its folder.
 */
export type ListenForWorker = (worker_name: string, socket_path: string) => Promise<{ close: () => Promise<void> }>;

/** What each worker may use. */
export type WorkerLimits = Pick<WorkerSpec, 'memory_bytes' | 'cpus' | 'pids_max'>;

/** One worker and its link. */
export type Worker = {
  readonly name: string;
  /** The folder's name. */
  readonly workspace: string;
  readonly link: Link;
  /** Starts it, or adopts it where it runs. Rejects with words for a person. */
  start: () => Promise<void>;
  /** Resolves when the worker has gone, for whatever reason. To be asked for once it was started: one that is not there has gone. */
  readonly ended: Promise<WorkerEnd>;
  /** Stops listening to it. The worker lives on. */
  detach: () => Promise<void>;
  /** Ends it where it still runs, and removes all of it but the workspace. Rejects where the runner cannot: it may be running still. */
  remove: () => Promise<void>;
};

/** How long the closing of a worker's socket may take. */
const DETACH_MS = 2_000;

/** Starts workers, each with its link: the directories, the coordinator's socket in them, the container or process. */
export class Workers {
  readonly runner: Runner;
  readonly folders: WorkerDirectories;
  readonly #listen: ListenForWorker;
  readonly #limits: WorkerLimits;

  constructor(deps: { runner: Runner; folders: WorkerDirectories; listen: ListenForWorker; limits: WorkerLimits }) {
    this.runner = deps.runner;
    this.folders = deps.folders;
    this.#listen = deps.listen;
    this.#limits = deps.limits;
  }

  /**
   * A worker of this name, its link made and listened to: one to start, or one that is thought to run already. Where it has gone, its `ended`
   * says so.
   */
  async open(name: string, workspace: string): Promise<Worker> {
    const link = this.folders.makeLink(name);
    const listener = await this.#listen(name, link.coordinator_socket);
    const { runner, folders } = this;
    const limits = this.#limits;
    let detached: Promise<void> | undefined;
    const detach = () => (detached ??= Promise.race([listener.close(), delay(DETACH_MS, undefined, { ref: false })]));
    let ended: Promise<WorkerEnd> | undefined;
    return {
      name,
      workspace,
      link,
      get ended() {
        return (ended ??= runner.ended(name));
      },
      start: async () => {
        const { coordinator_dir, worker_dir } = link;
        const workspace_dir = folders.makeWorkspace(workspace);
        failpoint('before', 'start_worker');
        await runner.start({ name, coordinator_dir, worker_dir, workspace_dir, ...limits });
        failpoint('after', 'start_worker');
      },
      detach,
      remove: async () => {
        failpoint('before', 'remove_worker');
        await runner.remove(name);
        failpoint('after', 'remove_worker');
        await detach();
        await folders.removeLink(name);
      },
    };
  }
}
