import { COORDINATOR_SOCKET, WORKER_SOCKET } from '../../protocol/worker.ts';

/**
 * How workers are started: `docker/` and `process/` are the two ways. A runner knows nothing of tasks; it starts a worker by name, tells
 * when it has gone, and clears it away. Each of its calls has a time limit of its own.
 */
export type Runner = {
  readonly kind: 'docker' | 'process';
  /** Who workers run as: what they may write must belong to them. */
  readonly owner: { uid: number; gid: number };
  /**
   * Starts a worker, and resolves once it runs (not: answers). A worker of this name that is there already is adopted. Rejects with an
   * `unavailable` error, in words for a person, where it cannot; `remove` then clears away what may be left.
   */
  start: (spec: WorkerSpec) => Promise<void>;
  /** Resolves with how the worker ended, also one that had ended before, or is not there. After `close` it stays pending. */
  ended: (name: string) => Promise<WorkerEnd>;
  /** Ends the worker at once and removes all that it left but its folders. A worker that is not there is no error. */
  remove: (name: string) => Promise<void>;
  /** The names of all workers of this server, running or not. */
  list: () => Promise<string[]>;
  /** What keeps it from starting workers, in words for the server's owner, or null. For `/readyz` and the start. */
  check: () => Promise<string | null>;
  /** Lets go of connections; workers live on. */
  close: () => Promise<void>;
};

/** One worker to start. The folders exist; their paths are this process's own. */
export type WorkerSpec = {
  name: string;
  /** DispatchGate `coordinator.sock`; the worker may read it, not write. */
  coordinator_dir: string;
  /** The worker's own; it makes `worker.sock` there. */
  worker_dir: string;
  /** The workspace: `repo` and `spool` come to be in it, and outlive the worker. */
  workspace_dir: string;
  memory_bytes: number;
  cpus: number;
  pids_max: number;
};

/** `exit_code` is null where it is not known: the worker is not there, or was another process's child. */
export type WorkerEnd = {
  exit_code: number | null;
  /** The worker itself was killed for its memory: not merely a process that it had started. */
  out_of_memory: boolean;
  /** The last of what it wrote to its output, for the server's log. */
  output: string;
};

/** What of a worker's last output is kept, in characters. */
export const OUTPUT_CHARS_MAX = 4_000;

/** The names by which a worker finds its link and its folders (protocol/worker.ts), for folders as the worker sees them. */
export function workerEnvironment(at: {
  coordinator_dir: string;
  worker_dir: string;
  workspace_dir: string;
}): Record<string, string> {
  return {
    ERRAND_COORDINATOR: `unix:${at.coordinator_dir}/${COORDINATOR_SOCKET}`,
    ERRAND_LISTEN: `unix:${at.worker_dir}/${WORKER_SOCKET}`,
    ERRAND_WORKSPACE: at.workspace_dir,
    ERRAND_SPOOL: `${at.workspace_dir}/spool`,
    HOME: `${at.workspace_dir}/home`,
  };
}
