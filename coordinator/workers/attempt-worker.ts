import { ErrandError } from '../../protocol/problem.ts';
import type { Logger } from '../base/logger.ts';
import { retry } from '../base/retry.ts';
import type { ThreadPool } from '../base/threads.ts';
import type { AttemptRow } from '../domain/task.ts';
import { replaceWorker } from '../sqlite/attempts.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import { findTask } from '../sqlite/tasks.ts';
import { setWorkspace } from '../sqlite/workspaces.ts';
import { requireTranscriptFits } from '../tasks/assignment.ts';
import { BOOT_MS } from './boot.ts';
import { handOff } from './hand-off.ts';
import type { TaskGrant, Worker } from './runner.ts';
import { readHealth } from './worker-client.ts';
import { newWorkerName } from './worker-name.ts';
import type { Workers } from './workers.ts';
import type { Workspaces } from './workspaces.ts';

/** How long a warm worker may take to accept its task. */
const WARM_HAND_OFF_MS = 1_000;
const OPEN_RETRY = { first_ms: 1_000, max_ms: 30_000 };

export type AttemptWorkerDependencies = {
  log: EventLog;
  workers: Workers;
  workspaces: Workspaces;
  /** The assignment as JSON. It may wait for a forge; rejects once the signal aborts. */
  buildAssignment: (task_id: string, n: number, signal: AbortSignal) => Promise<Buffer>;
  /** The token for a worker that cannot be called. */
  grant: (task_id: string, n: number) => Promise<TaskGrant>;
  /** Reads long transcripts. */
  threads: ThreadPool;
  logger: Logger;
};

type Attempt = Pick<AttemptRow, 'task_id' | 'n' | 'worker' | 'image'>;

/** The worker of one attempt: starts one and hands it the task, or adopts one that an earlier process started. */
export class AttemptWorker {
  readonly #deps: AttemptWorkerDependencies;
  readonly #task_id: string;
  readonly #n: number;
  /** The name of the image; null: the default. */
  readonly #image: string | null;
  /** Aborts when the attempt is over, or the server stops. */
  readonly #done: AbortSignal;
  #name: string;
  #workspace: string;
  #current: Worker | undefined;
  #has_task = false;

  constructor(deps: AttemptWorkerDependencies, { task_id, n, worker, image }: Attempt, done: AbortSignal) {
    this.#deps = deps;
    this.#task_id = task_id;
    this.#n = n;
    this.#image = image;
    this.#name = worker;
    // A task that has no workspace any more, or is gone: what the worker may have left bears its name.
    this.#workspace = findTask(deps.log.db, task_id)?.workspace ?? worker;
    this.#done = done;
  }

  /** The name of the worker that has the attempt now. */
  get name(): string {
    return this.#name;
  }

  /** The worker; undefined while none is open, or while a warm one is being replaced. */
  get current(): Worker | undefined {
    return this.#current;
  }

  /** Whether the worker has the task. */
  get has_task(): boolean {
    return this.#has_task;
  }

  /**
   * Hands the task to the warm worker, or to a new one. Rejects with an error message for people if no worker accepted
   * it.
   */
  async begin(warm: Worker | undefined): Promise<void> {
    const image = await this.#deps.workers.findImage(this.#image);
    if (!this.#deps.workers.runner.can_call) return this.#startUncallable(image);
    const assignment = await this.#deps.buildAssignment(this.#task_id, this.#n, this.#done);
    if (warm) {
      this.#current = warm;
      if ((await this.#handOff(warm, assignment, WARM_HAND_OFF_MS)) === null) return;
      if (this.#done.aborted || !this.#replace(warm)) return;
      // The warm worker must be gone before another one gets the task.
      await warm.remove();
      await this.#deps.workspaces.remove(warm.workspace);
      this.#current = undefined;
    }
    if (this.#done.aborted) return;
    const worker = await this.#deps.workers.open(this.#name, this.#workspace, image);
    this.#current = worker;
    await worker.start();
    const fault = await this.#handOff(worker, assignment, BOOT_MS);
    if (fault !== null && !this.#done.aborted) await explainRefusal(worker, fault);
  }

  /** Adopts a worker that got the task before this process started. */
  async adopt(signal: AbortSignal): Promise<void> {
    this.#has_task = true;
    await this.open(signal);
  }

  /** Opens a worker that may be running, with retries: it must be watched until it is gone. */
  open(signal: AbortSignal): Promise<void> {
    const open = async () => {
      this.#current = await this.#deps.workers.open(this.#name, this.#workspace);
    };
    const onFailure = (error: unknown) =>
      this.#deps.logger.error({ err: error, worker: this.#name }, 'cannot listen to the worker; retrying');
    return retry(open, { ...OPEN_RETRY, signal, onFailure });
  }

  /**
   * Starts a worker that cannot be called: it fetches the task itself. Until its first callback only the lease watches
   * it.
   */
  async #startUncallable(image: string): Promise<void> {
    // Told now, and not by a worker that cannot get it.
    const { log, threads } = this.#deps;
    await requireTranscriptFits({ db: log.db, threads }, this.#task_id, this.#n);
    const grant = await this.#deps.grant(this.#task_id, this.#n);
    if (this.#done.aborted) return;
    this.#current = await this.#deps.workers.open(this.#name, this.#workspace, image);
    await this.#current.start(grant);
    this.#has_task = true;
  }

  /** Resolves with null once the worker has the task, else with why it has not. */
  async #handOff(worker: Worker, assignment: Buffer, within_ms: number): Promise<string | null> {
    if (!worker.channel) return 'The worker cannot be called.';
    const bounds = { within_ms, signal: this.#done, logger: this.#deps.logger };
    const fault = await handOff(worker, worker.channel, assignment, bounds);
    this.#has_task ||= fault === null;
    return fault;
  }

  /**
   * Gives the attempt to a new worker. The database comes first: from then on calls of the old worker are refused.
   * Returns false if the old worker has called meanwhile, because then it has the task.
   */
  #replace(old: Worker): boolean {
    const name = newWorkerName();
    const at = new Date().toISOString();
    const replaced = this.#deps.log.write((tx) => {
      const task = findTask(tx.db, this.#task_id);
      if (!task || !replaceWorker(tx.db, this.#task_id, this.#n, old.name, name)) return false;
      setWorkspace(tx.db, this.#task_id, name);
      const runner = this.#deps.workers.runner.name;
      tx.note(task, { type: 'attempt.started', body: { runner, worker: name, warm: false } }, at);
      return true;
    });
    if (replaced) this.#name = this.#workspace = name;
    else this.#has_task = true;
    return replaced;
  }
}

/** Always throws. A worker with another contract version refuses every task, and its health tells the version. */
async function explainRefusal({ channel }: Worker, fault: string): Promise<never> {
  if (channel)
    await readHealth(channel).catch((error: unknown) => {
      if (error instanceof ErrandError) throw error;
    });
  throw new ErrandError('unavailable', fault);
}
