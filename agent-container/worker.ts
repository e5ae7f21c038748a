import { setTimeout as delay } from 'node:timers/promises';
import { ErrandError } from '../protocol/problem.ts';
import { CONTRACT_VERSION } from '../protocol/worker.ts';
import type { Assignment, WorkerStatus } from '../protocol/worker-schemas.ts';
import type { AgentInfo, Attempt } from './attempt.ts';
import type { Logger } from './base/logger.ts';
import type { Work } from './base/work.ts';
import type { Address, WorkerConfig } from './config.ts';
import { WorkerServer } from './server.ts';

const EXIT_NO_TASK = 1;
const EXIT_TERMINATED = 143;
/** The work is loaded this long after the rest: a task that is there already sends its first event before. */
const LOAD_WORK_MS = 100;
const IDLE: WorkerStatus = {
  state: 'idle',
  task_id: null,
  attempt: null,
  last_seq: 0,
  acked_seq: 0,
  waiting_for: null,
};

type Options = {
  config: WorkerConfig;
  agent: AgentInfo;
  /** Loads the work. It is large, so it is loaded while the worker waits for its task. */
  loadWork: () => Promise<Work>;
  log: Logger;
};

/** A worker process: it listens, takes one task, and ends with it. */
export class Worker {
  readonly #options: Options;
  readonly #server: WorkerServer | null;
  readonly #exit_code = Promise.withResolvers<number>();
  readonly #terminated = new AbortController();
  #assignment: Assignment | undefined;
  #starting: Promise<Attempt> | undefined;
  #attempt: Attempt | undefined;
  /** The exit code, once the attempt has ended and the server is closed. */
  readonly ended: Promise<number>;

  constructor(options: Options) {
    this.#options = options;
    const { config, agent } = options;
    const api = {
      health: { ok: true as const, contract_version: CONTRACT_VERSION, ...agent },
      status: () => this.#attempt?.status() ?? IDLE,
      tokens: () => this.#attempt?.tokens() ?? [],
      assign: (assignment: Assignment) => this.#assign(assignment),
      deliver: async (messages: Assignment['messages']) => (await this.#current()).deliver(messages),
      cancel: async (reason: string) => (await this.#current()).cancel(reason),
    };
    this.#server = config.listen === null ? null : new WorkerServer(config.listen, api);
    this.ended = this.#untilEnded();
  }

  /** Listens, or fetches the assignment if the environment names a task. */
  async start(): Promise<void> {
    const { config } = this.#options;
    await this.#server?.start();
    void this.#load();
    if (config.task !== null) void this.#fetchTask(config.task);
  }

  /** Loads the agent while the worker waits for its task, or for the clone. */
  async #load(): Promise<void> {
    const { loadWork, log } = this.#options;
    try {
      await import('./attempt.ts');
      await delay(LOAD_WORK_MS, undefined, { ref: false });
      await loadWork();
    } catch (error) {
      log('error', 'agent could not be loaded', { err: error });
    }
  }

  /** Where it listens; null: nowhere. */
  get address(): Address | null {
    return this.#server?.address ?? null;
  }

  /** On SIGTERM: ends at once if there is no task, else the attempt pushes and reports its work in progress. */
  terminate(): void {
    this.#terminated.abort(new Error('The worker is being stopped.'));
    if (this.#attempt !== undefined) this.#attempt.terminate();
    else if (this.#assignment === undefined) this.#exit_code.resolve(EXIT_TERMINATED);
  }

  async #untilEnded(): Promise<number> {
    const code = await this.#exit_code.promise;
    await this.#server?.stop();
    return code;
  }

  async #fetchTask(task: { id: string; token: string }): Promise<void> {
    const { config, log } = this.#options;
    const { signal } = this.#terminated;
    try {
      const assignment = await fetchAssignment(config, task, signal);
      // If the attempt cannot be started, `#assign` logs it and ends the worker.
      await this.#assign(assignment).catch(() => undefined);
    } catch (error) {
      if (!signal.aborted) log('error', 'assignment could not be fetched', { err: error });
      this.#exit_code.resolve(EXIT_NO_TASK);
    }
  }

  /** Takes an assignment. The same one again changes nothing; another one is a conflict. */
  async #assign(assignment: Assignment): Promise<void> {
    if (this.#assignment === undefined) {
      this.#assignment = assignment;
      this.#starting = this.#begin(assignment);
      this.#starting.catch((error: unknown) => {
        this.#options.log('error', 'attempt could not be started', { err: error });
        this.#exit_code.resolve(EXIT_NO_TASK);
      });
    } else if (this.#assignment.task_id !== assignment.task_id || this.#assignment.attempt !== assignment.attempt)
      throw new ErrandError('conflict', 'This worker has a task already.');
    await this.#starting;
  }

  async #begin(assignment: Assignment): Promise<Attempt> {
    const { Attempt } = await import('./attempt.ts');
    const attempt = new Attempt({ ...this.#options, assignment });
    this.#attempt = attempt;
    void attempt.run().then(this.#exit_code.resolve);
    if (this.#terminated.signal.aborted) attempt.terminate();
    return attempt;
  }

  async #current(): Promise<Attempt> {
    if (this.#starting === undefined) throw new ErrandError('conflict', 'This worker has no task yet.');
    return this.#starting;
  }
}

/** Ends a worker on SIGTERM and SIGINT, also while it is starting. */
export function endOnSignals(worker: Worker, started: Promise<void>): void {
  // A worker that could not start has nothing to end.
  const end = () => void started.then(() => worker.terminate()).catch(() => undefined);
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}

/** Loaded on demand: a worker that gets its task by a call does not need it. */
async function fetchAssignment(
  config: WorkerConfig,
  task: { id: string; token: string },
  signal: AbortSignal,
): Promise<Assignment> {
  const [{ CoordinatorClient }, { retryCallback }] = await Promise.all([
    import('./reporting/coordinator-client.ts'),
    import('./reporting/callback-errors.ts'),
  ]);
  const client = new CoordinatorClient(config.coordinator, task.id, task.token);
  try {
    return await retryCallback(() => client.assignment(signal), signal);
  } finally {
    await client.close();
  }
}
