import { availableParallelism } from 'node:os';
import type { AttemptRow } from '../domain/task.ts';
import type { Logger } from '../base/logger.ts';
import { within } from '../base/deadline.ts';
import { findAttempt, insertAttempt } from '../sqlite/attempts.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import { markServed, nextTask } from '../sqlite/queue.ts';
import { findTask } from '../sqlite/tasks.ts';
import { setWorkspace } from '../sqlite/workspaces.ts';
import { advance } from '../tasks/advance.ts';
import { endWaits } from '../tasks/queue.ts';
import { attemptSettings } from '../tasks/task-settings.ts';
import type { AttemptDependencies, AttemptRun } from './attempt.ts';
import { Attempts } from './attempts.ts';
import { CloneWatch } from './clone-watch.ts';
import { Reconciler } from './reconciler.ts';
import type { Worker } from './runner.ts';
import { IsolationCheck } from './isolation-check.ts';
import { RunnerHealth } from './runner-health.ts';
import { WarmPool } from './warm-pool.ts';
import { newWorkerName } from './worker-name.ts';
import { WorkspaceWatch } from './workspace-watch.ts';

/** How long to wait after the database refused a start, because the disk is full. */
const RETRY_MS = 5_000;
/** The longest wait until the queue is checked again while a task waits for its `retry_at`. */
const TIMER_MS_MAX = 60 * 60 * 1000;
/**
 * How many workers may boot at once. A boot needs a CPU: more of them would finish later, and all at the same time, so
 * that nobody sees anything for long.
 */
const BOOTS_MAX = Math.max(2, availableParallelism());
/** How long `stop` waits for workers that are being started or removed. */
const STOP_MS = 8_000;

export type DispatcherDependencies = Omit<AttemptDependencies, 'untilIsolated' | 'onBegun' | 'onGone'> & {
  log: EventLog;
  logger: Logger;
  /** How many workers may run at once. */
  workers_max: number;
  warm_workers: number;
  workspace_bytes_max: number;
};

/**
 * Gives queued tasks to workers as soon as a task is queued and a slot is free. It does not poll the queue: it
 * subscribes to the log, and uses a timer only for `retry_at`.
 */
export class Dispatcher {
  /** The running attempts. */
  readonly attempts: Attempts;
  readonly #deps: DispatcherDependencies;
  readonly #health: RunnerHealth;
  readonly #isolation: IsolationCheck;
  readonly #pool: WarmPool;
  readonly #clones: CloneWatch;
  readonly #reconciler: Reconciler;
  readonly #workspaces: WorkspaceWatch;
  #state: 'new' | 'started' | 'stopped' = 'new';
  /** The tasks whose new worker has not taken its task yet. */
  readonly #booting = new Set<string>();
  #looking = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: DispatcherDependencies) {
    const { log, workers, workspaces, gate, logger } = deps;
    this.#deps = deps;
    this.#health = new RunnerHealth(workers.runner, gate, logger);
    this.#isolation = new IsolationCheck(workers, gate, this.#health, logger);
    const warm_workers = workers.runner.can_call ? deps.warm_workers : 0;
    const pool = { size: warm_workers, workers, workspaces, gate, health: this.#health, logger };
    this.#pool = new WarmPool(pool);
    this.attempts = new Attempts({
      ...deps,
      untilIsolated: (signal) => this.#isolation.untilPassed(signal),
      onBegun: (attempt, started) => this.#begun(attempt, started),
      onGone: () => this.wake(),
    });
    // Not before: a starting container competes with the clone for CPU.
    this.#clones = new CloneWatch(log, () => this.#pool.refill());
    const { attempts } = this;
    this.#reconciler = new Reconciler({ log, workers, workspaces, attempts, pool: this.#pool, gate, logger });
    this.#workspaces = new WorkspaceWatch({ bytes_max: deps.workspace_bytes_max, gate, attempts, logger });
    gate.onReleased(() => {
      if (this.#state !== 'started') return;
      this.#pool.refill();
      this.wake();
    });
    log.subscribe('task.created', () => this.wake());
    log.subscribe('task.status', ({ body }) => body.to === 'queued' && this.wake());
    log.subscribe('attempt.ended', ({ task_id, attempt, body }) => {
      if (body.reason === 'worker_start_failed') this.#startFailed(task_id, attempt);
      this.wake();
    });
    // It may end a task's wait.
    log.subscribe('message.received', () => this.wake());
  }

  /** How many workers wait for a task, and how many have one. */
  get workers(): { warm: number; at_work: number } {
    return { warm: this.#pool.waiting, at_work: this.attempts.size };
  }

  /** Why no worker starts any more, as a sentence for the server's owner; null: as far as is known they do. */
  get start_fault(): string | null {
    return this.#health.start_fault;
  }

  /** What is known of the isolation of workers, for people. */
  get isolation(): string {
    return this.#isolation.outcome;
  }

  /**
   * Adopts the attempts of an earlier process, and starts to dispatch queued tasks. Those wait until the isolation of
   * workers was tried.
   */
  async start(): Promise<void> {
    await this.#health.check();
    this.#reconciler.start();
    this.#workspaces.start();
    void this.#isolation.start().then(() => this.#begin());
  }

  #begin(): void {
    if (this.#state === 'stopped') return;
    this.#state = 'started';
    this.#pool.refill();
    this.wake();
  }

  /** Checks soon whether a queued task can start. */
  wake(): void {
    if (this.#looking || this.#state !== 'started') return;
    this.#looking = true;
    // Deferred: the caller may be in the middle of a commit's subscribers.
    queueMicrotask(() => {
      this.#looking = false;
      this.#fill();
    });
  }

  /** Starts no more work. Removes warm workers. Workers with a task keep running, and the next start adopts them. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    clearTimeout(this.#timer);
    this.#health.stop();
    this.#isolation.stop();
    this.#clones.stop();
    const parts = [this.#reconciler.stop(), this.#workspaces.stop(), this.#pool.stop(), this.attempts.leave()];
    await within(STOP_MS, Promise.all(parts));
    this.attempts.abandon();
  }

  #fill(): void {
    if (this.#state !== 'started') return;
    clearTimeout(this.#timer);
    if (this.#deps.gate.fault !== null) return;
    try {
      const wait_ms = endWaits(this.#deps.log, new Date().toISOString());
      while (this.attempts.size < this.#deps.workers_max && this.#startNext());
      if (wait_ms !== null) this.#wakeIn(wait_ms);
    } catch (error) {
      this.#deps.logger.error({ err: error }, 'dispatch failed; retrying');
      this.#wakeIn(RETRY_MS);
    }
  }

  /** The worker of an attempt has accepted its task, or could not be started. */
  #begun({ task_id }: AttemptRun, started: boolean): void {
    if (this.#booting.delete(task_id)) this.wake();
    if (!started) {
      this.#pool.refill();
      return void this.#health.check();
    }
    this.#health.started();
    this.#clones.begin(task_id);
  }

  /** The image of a project says nothing about the workers of the others. */
  #startFailed(task_id: string, n: number): void {
    if ((findAttempt(this.#deps.log.db, task_id, n)?.image ?? null) === null) void this.#health.startFailed(task_id);
  }

  #wakeIn(wait_ms: number): void {
    this.#timer = setTimeout(() => this.wake(), Math.min(wait_ms + 1, TIMER_MS_MAX));
  }

  /** Starts an attempt of the next task. Returns false if none may start now. */
  #startNext(): boolean {
    const { log } = this.#deps;
    const at = new Date().toISOString();
    // A task whose previous worker has not exited yet is skipped.
    const id = nextTask(log.db, this.attempts.task_ids);
    if (id === undefined) return false;
    const warm = this.#takesWarm(id) ? this.#pool.take() : undefined;
    // Workers on other machines do not compete for this machine's CPUs.
    const is_local = this.#deps.workers.runner.can_call;
    if (!warm && is_local && this.#booting.size >= BOOTS_MAX) return false;
    try {
      const attempt = this.#insertAttempt(id, warm, at);
      if (!warm) this.#booting.add(id);
      this.attempts.start(attempt, warm);
      return true;
    } catch (error) {
      if (warm) this.#pool.putBack(warm);
      throw error;
    }
  }

  /** A warm worker has the default image and a new workspace: whatever needs another one gets a new worker. */
  #takesWarm(id: string): boolean {
    const { db } = this.#deps.log;
    const task = findTask(db, id);
    return task !== undefined && task.workspace === null && attemptSettings(db, task).image === null;
  }

  /**
   * Stores the attempt's row, with the worker's name, before anything is started: so a crash leaves no unknown worker.
   */
  #insertAttempt(id: string, warm: Worker | undefined, at: string): AttemptRow {
    return this.#deps.log.write((tx) => {
      const queued = findTask(tx.db, id);
      if (!queued) throw new Error(`The queued task ${id} does not exist.`);
      const task = advance(tx, queued, { type: 'attempt_started', at });
      const attempt: AttemptRow = {
        task_id: id,
        n: task.attempt,
        status: 'starting',
        reason: null,
        detail: null,
        runner: this.#deps.workers.runner.name,
        worker: warm?.name ?? newWorkerName(),
        warm: warm !== undefined,
        last_seq: 0,
        model: task.model,
        takes_messages: false,
        ...attemptSettings(tx.db, task),
        started_at: at,
        ended_at: null,
      };
      insertAttempt(tx.db, attempt);
      if (task.workspace === null) setWorkspace(tx.db, id, attempt.worker);
      markServed(tx.db, task.user_id, at);
      const { runner, worker, image } = attempt;
      const body = { runner, worker, warm: attempt.warm, ...(image !== null && { image }) };
      tx.note(task, { type: 'attempt.started', body }, at);
      return attempt;
    });
  }
}
