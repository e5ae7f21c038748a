/**
 * A way to run workers. A runner knows nothing of tasks: it starts a worker by name, reports how it ended, and removes it. How a worker is
 * reached and how it calls back (a unix socket each, TCP) is the runner's business. Each of its calls has a time limit of its own.
 */
export type Runner = {
  /** Its name in the database, the log and `/readyz`, such as `docker`. The form is `RunnerName` of the protocol. */
  readonly name: string;
  /** Whether its workers can be called. Only such workers are started ahead of time and get messages pushed; others fetch all of it. */
  readonly can_call: boolean;
  /**
   * A worker of this name, one to start or one that may be running already, with all in place that it needs to call back. Where it is not
   * running, its `ended` says so.
   */
  open: (spec: WorkerSpec) => Promise<Worker>;
  /** The names of all workers of this server, running or not, and of those that left something behind. */
  list: () => Promise<string[]>;
  /** The names of workers that may still be there, known without asking an engine. */
  listLocal: () => string[];
  /** Ends a worker that nobody has opened, and removes what it left but its workspace. A worker that is not there is no error. */
  remove: (name: string) => Promise<void>;
  /** What keeps it from starting workers, in words for the server's owner, or null. */
  check: () => Promise<string | null>;
  /** Lets go of connections. Workers go on. */
  close: () => Promise<void>;
};

/** What a worker may use. */
export type WorkerLimits = { memory_bytes: number; cpus: number; pids_max: number };

/** What a worker needs, whatever runs it. */
export type WorkerSpec = {
  name: string;
  /** The image, where the runner has images. */
  image: string;
  limits: WorkerLimits;
  /** What is mounted into the worker, by purpose. `workspace`: the name of the workspace that it works in, which outlives it. */
  mounts: { workspace: string };
  /** Shown by the runner's own tools. */
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
  /** The folders of this machine that it writes to, to be measured. Empty where it runs elsewhere. */
  readonly local_dirs: string[];
  /** Starts it, or adopts it where it runs. `grant`: for a worker that cannot be called. Rejects with an `unavailable` error in plain words. */
  start: (grant?: TaskGrant) => Promise<void>;
  /** Resolves when the worker has ended, for whatever reason. After `Runner.close` it stays pending. Ask for it once the worker was started. */
  readonly ended: Promise<WorkerEnd>;
  /** Stops listening to it. The worker goes on. */
  detach: () => Promise<void>;
  /** Ends it where it still runs, and removes all of it but the workspace. Rejects where it may still be running. */
  remove: () => Promise<void>;
};

/** How a worker ended. */
export type WorkerEnd = {
  /** Null: not known. The worker is not there, or another process was its parent. */
  exit_code: number | null;
  /** The worker itself was killed for its memory, not merely a process that it had started. */
  out_of_memory: boolean;
  /** The last of its output, for the server's log: at most `OUTPUT_CHARS_MAX` characters. */
  output: string;
};

/** How much of a worker's last output is kept, in characters. */
export const OUTPUT_CHARS_MAX = 4_000;

/** A way to call one worker's HTTP server. */
export type WorkerChannel = {
  readonly worker: string;
  /** Sends a request and reads the whole answer, which is bounded. Rejects with `WorkerUnreachable` where there is none. */
  call: (request: WorkerRequest) => Promise<WorkerAnswer>;
};

export type WorkerRequest = { method: 'GET' | 'POST'; path: string; content?: unknown; signal: AbortSignal };
export type WorkerAnswer = { status: number; text: string };

/** A call that got no answer. `unreached`: nobody listened, and the worker has not seen the call. */
export class WorkerUnreachable extends Error {
  override readonly name = 'WorkerUnreachable';
  readonly unreached: boolean;

  constructor(worker: string, unreached: boolean, cause: unknown) {
    super(`The worker ${worker} ${unreached ? 'does not listen yet' : 'did not answer'}.`, { cause });
    this.unreached = unreached;
  }
}

/** Opens the listeners by which workers call the coordinator. `worker-api/` implements it; a runner opens what its workers need. */
export type WorkerListeners = {
  /** A unix socket of one worker's own. Only tokens of that worker's attempt are taken there. Replaces what is left at the path. */
  listenOnSocket: (path: string, worker: string) => Promise<{ close: () => Promise<void> }>;
  /** The TCP port that all workers share. Opened once, however often it is asked for. Resolves with its origin, `http://host:port`. */
  listenOnTcp: () => Promise<string>;
};
