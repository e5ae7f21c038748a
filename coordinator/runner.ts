/**
 * How workers are started: `docker/` and `process/` are the two ways. A runner knows nothing of tasks; it starts a worker by name, tells
 * when it has gone, and clears it away.
 */
export type Runner = {
  readonly kind: 'docker' | 'process';
  /**
   * Starts a worker, and resolves once it runs (not: answers). A worker of this name that is there already is adopted. Rejects with words for a
   * person where it cannot.
   */
  start: (spec: WorkerSpec) => Promise<void>;
  /** Resolves with how the worker ended, also one that had ended before, or is not there (`exit_code` null). */
  ended: (name: string) => Promise<WorkerEnd>;
  /** Ends the worker at once and removes all that it left but its folders. A worker that is not there is no error. */
  remove: (name: string) => Promise<void>;
  /** The names of all workers of this server, running or not. */
  list: () => Promise<string[]>;
  /** What keeps it from starting workers, or null. For `/readyz` and the start. */
  check: () => Promise<string | null>;
  /** Lets go of connections; workers live on. */
  close: () => Promise<void>;
};

/** One worker to start. The folders exist; their paths are this process's own. */
export type WorkerSpec = {
  name: string;
  /** Holds `coordinator.sock`; the worker may read it, not write. */
  coordinator_dir: string;
  /** The worker's own; it makes `worker.sock` there. */
  worker_dir: string;
  /** The workspace: `repo` and `spool` come to be in it, and outlive the worker. */
  workspace_dir: string;
  memory_bytes: number;
  cpus: number;
  pids_max: number;
};

export type WorkerEnd = { exit_code: number | null; out_of_memory: boolean; detail: string };
