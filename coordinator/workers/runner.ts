/**
 * A way to run workers. A runner knows nothing about tasks: it starts a worker by name, reports how it ended, and
 * removes it. The runner decides how workers are reached and how they call back: through a unix socket each, or TCP.
 * Each method has a time limit of its own.
 */
export type Runner = {
  /** Its name in the database, the log and `/readyz`, such as `docker`. A `RunnerName` of the protocol. */
  readonly name: string;
  /**
   * Whether its workers can be called. Only such workers are started ahead of time and get pushes. Others fetch
   * everything.
   */
  readonly can_call: boolean;
  /**
   * Opens a worker of this name, to start it or because it may be running already, with everything that it needs to
   * call back. If it is not running, its `ended` resolves.
   */
  open: (spec: WorkerSpec) => Promise<Worker>;
  /** The names of all workers of this server, running or not, even if only remains of them exist. */
  list: () => Promise<string[]>;
  /** The names of workers that may still exist, found without asking a container engine. */
  listLocal: () => string[];
  /**
   * Kills a worker that nobody has opened, and removes everything of it but the workspace. A missing worker is no
   * error.
   */
  remove: (name: string) => Promise<void>;
  /** Why it cannot start workers, as a sentence for the server's owner; null if it can. */
  check: () => Promise<string | null>;
  /**
   * Tries whether its workers can reach what they must not reach. Rejects if that could not be tried now. Absent: it
   * does not isolate its workers, or does so elsewhere. `watch`: when it aborts, nobody waits for `changed` any more.
   */
  tryIsolation?: (image: string, limits: WorkerLimits, watch: AbortSignal) => Promise<Isolation>;
  /** How fit an image is for its workers. Rejects if that is not known now. Absent: its workers have no images. */
  checkImage?: (image: string) => Promise<ImageState>;
  /** Closes its connections. Workers keep running. */
  close: () => Promise<void>;
};

/**
 * How fit an image is for workers. `outdated`: they start, with an agent that is older than the server's. `words`: what
 * is wrong and what helps, for the server's owner.
 */
export type ImageState = { kind: 'ready' } | { kind: 'outdated' | 'unusable'; words: string };

/**
 * How well workers are isolated. `fault`: what they could reach, as a sentence for the server's owner; null: nothing.
 * `detail`: how that was tried, for people. `changed`: aborts once that may be different, such as after a restart of
 * the container engine.
 */
export type Isolation = { fault: string | null; detail: string; changed: AbortSignal };

/** The resources that a worker may use. */
export type WorkerLimits = { memory_bytes: number; cpus: number; pids_max: number };

/** What a worker needs, independent of the runner. */
export type WorkerSpec = {
  name: string;
  /** The container image, for runners that use images. */
  image: string;
  limits: WorkerLimits;
  /** The name of its workspace, which outlives it. */
  workspace: string;
  /** Shown by the runner's own tools, such as `docker ps`. */
  labels: Record<string, string>;
};

/** What a worker that cannot be called needs to fetch its assignment. */
export type TaskGrant = { task_id: string; token: string };

/** One worker. */
export type Worker = {
  readonly name: string;
  readonly workspace: string;
  /** How to call it; null: it cannot be called. */
  readonly channel: WorkerChannel | null;
  /** The folders of this machine that it writes to. Empty if it runs elsewhere. */
  readonly local_dirs: string[];
  /**
   * How much it has written to disks of this machine, in bytes; undefined: unknown. Rejects if it cannot be read now.
   */
  written?: () => Promise<number | undefined>;
  /**
   * Starts it, or adopts it if it is running. `grant`: for a worker that cannot be called. Rejects with an
   * `unavailable` error for people.
   */
  start: (grant?: TaskGrant) => Promise<void>;
  /**
   * Resolves when the worker has exited, for whatever reason. Stays pending after `Runner.close`. Read it only after
   * the start.
   */
  readonly ended: Promise<WorkerEnd>;
  /** Closes the listener for its calls. The worker keeps running. */
  detach: () => Promise<void>;
  /** Kills it if it is running, and removes everything of it but the workspace. Rejects if it may still be running. */
  remove: () => Promise<void>;
};

/** How a worker ended. */
export type WorkerEnd = {
  /** Null if not known: the worker does not exist, or it was started by another process. */
  exit_code: number | null;
  /** Whether the worker itself ran out of memory, not only a process that it had started. */
  out_of_memory: boolean;
  /** The container engine or the machine was stopped or restarted, and the worker with it. */
  engine_lost?: true;
  /** The end of its output, for the server's log: at most `OUTPUT_CHARS_MAX` characters. */
  output: string;
};

/** How many characters of a worker's last output are kept. */
export const OUTPUT_CHARS_MAX = 4_000;

/** A way to call one worker's HTTP server. */
export type WorkerChannel = {
  readonly worker: string;
  /**
   * Resolves once the worker seems to listen; it may still refuse a call. Rejects with the signal's reason when that
   * aborts.
   */
  untilListening: (signal: AbortSignal) => Promise<void>;
  /**
   * Sends a request and reads the whole response, which has a size limit. Rejects with `WorkerUnreachable` without a
   * response.
   */
  call: (request: WorkerRequest) => Promise<WorkerResponse>;
};

export type WorkerRequest = { method: 'GET' | 'POST'; path: string; json?: Buffer; signal: AbortSignal };
export type WorkerResponse = { status: number; text: string };

/** A call without a response. `unreached`: the worker does not listen, so it did not get the call. */
export class WorkerUnreachable extends Error {
  override readonly name = 'WorkerUnreachable';
  readonly unreached: boolean;

  constructor(worker: string, unreached: boolean, cause: unknown) {
    super(`The worker ${worker} ${unreached ? 'does not listen yet' : 'did not respond'}.`, { cause });
    this.unreached = unreached;
  }
}

/**
 * Opens the listeners for calls of workers. `worker-api/` implements it. A runner opens those that its workers need.
 */
export type WorkerListeners = {
  /**
   * Opens a unix socket for one worker. It accepts only tokens of that worker's attempt. Replaces an old socket at
   * the path.
   */
  listenOnSocket: (path: string, worker: string) => Promise<{ close: () => Promise<void> }>;
  /** Opens the TCP port that all workers share, on the first call. Resolves with its origin, `http://host:port`. */
  listenOnTcp: () => Promise<string>;
};
