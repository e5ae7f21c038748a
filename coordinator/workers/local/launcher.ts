import { COORDINATOR_SOCKET, WORKER_SOCKET } from '../../../protocol/worker.ts';
import type { WorkerEnd, WorkerSpec } from '../runner.ts';

/**
 * How a worker's program is started on this machine: `docker/` and `process/` are the two ways. `LocalRunner` adds directories and sockets.
 * Each call has a time limit of its own.
 */
export type Launcher = {
  readonly name: string;
  /** Who workers run as. What they may write must belong to them. */
  readonly owner: { uid: number; gid: number };
  /** Resolves once the worker runs (not: answers). Adopts one of this name. Rejects with `unavailable`; `remove` then cleans up. */
  start: (spec: LaunchSpec) => Promise<void>;
  /** Resolves with how the worker ended, also where it ended before or is not there. Stays pending after `close`. */
  ended: (name: string) => Promise<WorkerEnd>;
  /** Ends the worker at once, and removes all of it but its directories. A worker that is not there is no error. */
  remove: (name: string) => Promise<void>;
  /** The names of all workers of this server, running or not. */
  list: () => Promise<string[]>;
  /** What keeps it from starting workers, in words for the server's owner, or null. */
  check: () => Promise<string | null>;
  /** Lets go of connections. Workers go on. */
  close: () => Promise<void>;
};

/** The directories that a local worker is given. They exist; the paths are this process's own. */
export type Directories = {
  /** Holds `coordinator.sock`. The worker may read it, not write. */
  coordinator_dir: string;
  /** The worker's own. It makes `worker.sock` there. */
  worker_dir: string;
  /** The workspace. `repo` and `spool` come to be in it. */
  workspace_dir: string;
};

export type LaunchSpec = Omit<WorkerSpec, 'mounts'> & { mounts: Directories };

/** The environment by which a worker finds its sockets and folders (see `protocol/worker.ts`), with the paths as the worker sees them. */
export function workerEnvironment({ coordinator_dir, worker_dir, workspace_dir }: Directories): Record<string, string> {
  return {
    ERRAND_COORDINATOR: `unix:${coordinator_dir}/${COORDINATOR_SOCKET}`,
    ERRAND_LISTEN: `unix:${worker_dir}/${WORKER_SOCKET}`,
    ERRAND_WORKSPACE: workspace_dir,
    ERRAND_SPOOL: `${workspace_dir}/spool`,
    HOME: `${workspace_dir}/home`,
  };
}
