import { COORDINATOR_SOCKET, WORKER_SOCKET } from '../../../protocol/worker.ts';
import type { ImageState, Isolation, WorkerEnd, WorkerSpec } from '../runner.ts';

/**
 * Starts the program of a worker on this machine; `docker/` and `process/` implement it. `LocalRunner` adds directories
 * and sockets. Each method has a time limit of its own.
 */
export type Launcher = {
  readonly name: string;
  /**
   * The user and group of workers, as this process knows them. Everything that they may write must belong to them. They
   * may be others once `check` has passed for the first time.
   */
  readonly owner: { uid: number; gid: number };
  /**
   * Resolves once the worker's process runs; it may not listen yet. Adopts a running worker of this name. Rejects
   * with `unavailable`; `remove` then cleans up.
   */
  start: (spec: LaunchSpec) => Promise<void>;
  /**
   * Resolves with how the worker ended, even if that was earlier or the worker does not exist. Stays pending after
   * `close`.
   */
  ended: (name: string) => Promise<WorkerEnd>;
  /** Kills the worker, and removes everything of it but its directories. A missing worker is no error. */
  remove: (name: string) => Promise<void>;
  /** The names of all workers of this server, running or not. */
  list: () => Promise<string[]>;
  /** Why it cannot start workers, as a sentence for the server's owner; null if it can. */
  check: () => Promise<string | null>;
  /**
   * Tries whether a worker like this could reach what it must not reach, such as `other_file` in another worker's
   * folder. Rejects if that could not be tried now. Absent: its workers are not isolated. `watch`: as in `Runner`.
   */
  tryIsolation?: (spec: LaunchSpec, other_file: string, watch: AbortSignal) => Promise<Isolation>;
  /**
   * How much the worker has written to disks, in bytes; undefined: unknown. Rejects if that cannot be read now. Absent:
   * it does not know.
   */
  written?: (name: string) => Promise<number | undefined>;
  /** As in `Runner`. */
  checkImage?: (image: string) => Promise<ImageState>;
  /** Closes its connections. Workers keep running. */
  close: () => Promise<void>;
};

/** The directories of a local worker. They exist. The paths are those of this process. */
export type Directories = {
  /** Has `coordinator.sock`. Read-only for the worker. */
  coordinator_dir: string;
  /** The worker's own. The worker creates `worker.sock` in it. */
  worker_dir: string;
  /** The workspace. It will have `repo` and `spool`. */
  workspace_dir: string;
};

/** What a worker on this machine needs. `mounts`: what is mounted into it, by purpose. */
export type LaunchSpec = Omit<WorkerSpec, 'workspace'> & { mounts: Directories };

/**
 * The environment variables with a worker's sockets and folders (see `protocol/worker.ts`). The paths are those inside
 * the worker.
 */
export function workerEnvironment({ coordinator_dir, worker_dir, workspace_dir }: Directories): Record<string, string> {
  return {
    ERRAND_COORDINATOR: `unix:${coordinator_dir}/${COORDINATOR_SOCKET}`,
    ERRAND_LISTEN: `unix:${worker_dir}/${WORKER_SOCKET}`,
    ERRAND_WORKSPACE: workspace_dir,
    ERRAND_SPOOL: `${workspace_dir}/spool`,
    HOME: `${workspace_dir}/home`,
  };
}
