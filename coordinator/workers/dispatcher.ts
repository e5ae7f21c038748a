import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Assignment } from '../../protocol/worker.ts';
import { advance } from '../tasks/advance.ts';
import { AttemptRun, type AttemptRunDeps } from './attempt.ts';
import type { DispatchGate } from '../tasks/dispatch-gate.ts';
import { newWorkerName } from './worker-directories.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import { WarmPool } from './warm-pool.ts';
import { nextRetryIn, nextTask } from '../tasks/queue.ts';
import { Reconciler } from './reconciler.ts';
import { RunnerHealth } from './runner-health.ts';
import type { Signals } from '../tasks/signals.ts';
import { insertAttempt } from '../sqlite/attempts.ts';
import { markServed } from '../sqlite/queue.ts';
import { findTask } from '../sqlite/tasks.ts';
import { setWorkspace } from '../sqlite/workspaces.ts';
import type { AttemptRow } from '../domain/task.ts';
import type { Worker, Workers } from './workers.ts';
import { WorkspaceWatch } from './workspace-watch.ts';

/** After a start that the database refused (a full disk), and at most between two looks at the queue. */
const LOOK_AGAIN_MS = 5_000;
const TIMER_MS_MAX = 60 * 60 * 1000;
/** How long `stop` waits for what is under way: a container that is being started or removed. */
const STOP_MS = 8_000;

export type DispatcherDeps = {
  log: EventLog;
  workers: Workers;
  /** What keeps work from being started; the dispatcher puts in it what of that lies with the runner. */
  gate: DispatchGate;
  logger: Logger;
  /** How many workers may be at work at once. */
  places: number;
  warm_workers: number;
  workspace_bytes_max: number;
  buildAssignment: (task_id: string, n: number) => Promise<Assignment>;
  /** An attempt was begun, or found living at the start: its lease begins. */
  onAttemptBegun: (attempt: AttemptRow) => void;
  /** The dispatcher itself ended an attempt (after the commit): its lease and its streams end. */
  onAttemptEnded: (task_id: string, n: number) => void;
};

/**
 * Gives queued tasks to workers: in the moment that a task is queued and a place is free, or a place becomes free and a task is queued. It
 * never polls the queue; a timer serves for `retry_at` alone.
 */
export class Dispatcher implements Omit<Signals, 'removed'> {
  readonly #deps: DispatcherDeps;
  readonly #health: RunnerHealth;
  readonly #pool: WarmPool;
  readonly #reconciler: Reconciler;
  readonly #workspaces: WorkspaceWatch;
  readonly #run_deps: AttemptRunDeps;
  /** By task: an attempt whose worker has not gone yet takes up a place, and keeps its task from another. */
  readonly #runs = new Map<string, { run: AttemptRun; done: Promise<void> }>();
  #state: 'new' | 'started' | 'stopped' = 'new';
  #looking = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: DispatcherDeps) {
    const { log, workers, gate, logger, buildAssignment } = deps;
    this.#deps = deps;
    this.#health = new RunnerHealth(workers.runner, gate, logger);
    this.#pool = new WarmPool({ size: deps.warm_workers, workers, gate, health: this.#health, logger });
    gate.onReleased(() => {
      if (this.#state !== 'started') return;
      this.#pool.refill();
      this.wake();
    });
    this.#reconciler = new Reconciler({
      log,
      workers,
      logger,
      hasRun: (task_id) => this.hasRun(task_id),
      hasWorker: (name) => this.#pool.has(name) || this.#runningWorkers().includes(name),
      hasWorkspace: (name) => this.#pool.has(name) || this.#usedWorkspaces().includes(name),
      takeUp: (attempt) => this.#takeUp(attempt),
      clearAway: (attempt) => this.#clearAway(attempt),
    });
    this.#workspaces = new WorkspaceWatch({
      bytes_max: deps.workspace_bytes_max,
      gate,
      logger,
      list: () => [...this.#runs.values()].flatMap(({ run }) => run.measured ?? []),
    });
    this.#run_deps = {
      log,
      workers,
      logger,
      buildAssignment,
      onEnded: (task_id, n) => {
        deps.onAttemptEnded(task_id, n);
        this.ended(task_id, n);
      },
      onBegun: (started) => {
        // Not before: a container that starts takes the machine's breath from the one at work.
        this.#pool.refill();
        if (!started) void this.#health.check();
      },
      onGone: (run) => {
        if (this.#runs.get(run.task_id)?.run === run) this.#runs.delete(run.task_id);
        this.wake();
      },
    };
  }

  /** How many workers wait ahead, and how many are at work. */
  get workers(): { warm: number; at_work: number } {
    return { warm: this.#pool.waiting, at_work: this.#runs.size };
  }

  /** Whether the worker of an attempt of this task has not gone yet, though the attempt may have ended: the workspace is in use. */
  hasRun(task_id: string): boolean {
    return this.#runs.has(task_id);
  }

  /** Takes up what an earlier process left, then begins to work off the queue. */
  async start(): Promise<void> {
    await this.#health.check();
    this.#reconciler.start();
    this.#workspaces.start();
    this.#state = 'started';
    this.#pool.refill();
    this.wake();
  }

  wake(): void {
    if (this.#looking || this.#state !== 'started') return;
    this.#looking = true;
    // Not in the caller's own turn: it may be in the middle of a commit's effects.
    queueMicrotask(() => {
      this.#looking = false;
      this.#fill();
    });
  }

  control(task_id: string): void {
    this.#runs.get(task_id)?.run.control();
  }

  ended(task_id: string, attempt: number): void {
    const run = this.#runs.get(task_id)?.run;
    if (run?.n === attempt) run.ended();
    this.wake();
  }

  /** No new work. Warm workers are removed; workers with a task live on, and are taken up at the next start. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    clearTimeout(this.#timer);
    this.#health.stop();
    this.#reconciler.stop();
    this.#workspaces.stop();
    const runs = [...this.#runs.values()];
    for (const { run } of runs) run.leave();
    const finished = Promise.all([this.#pool.stop(), this.#reconciler.idle(), ...runs.map(({ done }) => done)]);
    const bound = new AbortController();
    await Promise.race([finished, delay(STOP_MS, undefined, { signal: bound.signal })]);
    bound.abort();
    for (const { run } of runs) run.abandon();
  }

  #runningWorkers(): string[] {
    return [...this.#runs.values()].map(({ run }) => run.worker_name);
  }

  /** Those of runs that are about to start are named like their workers, or are in their task's row. */
  #usedWorkspaces(): string[] {
    return [...this.#runs.values()].flatMap(({ run }) => [run.worker_name, run.workspace ?? []].flat());
  }

  #fill(): void {
    if (this.#state !== 'started') return;
    clearTimeout(this.#timer);
    if (this.#deps.gate.fault !== null) return;
    try {
      while (this.#runs.size < this.#deps.places && this.#startNext());
      const wait_ms = nextRetryIn(this.#deps.log.db, new Date().toISOString());
      if (wait_ms !== null) this.#lookIn(wait_ms);
    } catch (error) {
      this.#deps.logger.error({ err: error }, 'no task could be taken from the queue');
      this.#lookIn(LOOK_AGAIN_MS);
    }
  }

  #lookIn(wait_ms: number): void {
    this.#timer = setTimeout(() => this.wake(), Math.min(wait_ms + 1, TIMER_MS_MAX));
  }

  /** Begins an attempt of the task whose turn it is. False: none may start now. */
  #startNext(): boolean {
    const { log } = this.#deps;
    const at = new Date().toISOString();
    const id = nextTask(log.db, at, [...this.#runs.keys()]);
    if (id === undefined) return false;
    // A workspace that was used before is mounted into a worker of its own.
    const warm = findTask(log.db, id)?.workspace === null ? this.#pool.take() : undefined;
    try {
      const { attempt, workspace } = this.#insertAttempt(id, warm, at);
      const run = new AttemptRun(this.#run_deps, attempt);
      this.#deps.onAttemptBegun(attempt);
      this.#runs.set(id, { run, done: run.start(workspace, warm) });
      return true;
    } catch (error) {
      if (warm) this.#pool.putBack(warm);
      throw error;
    }
  }

  /** Intent first: what is about to be started, and under which name, is on disk before anything is. */
  #insertAttempt(id: string, warm: Worker | undefined, at: string): { attempt: AttemptRow; workspace: string } {
    return this.#deps.log.write((tx) => {
      const queued = findTask(tx.db, id);
      if (!queued) throw new Error(`The queued task ${id} is not there.`);
      const task = advance(tx, queued, { type: 'attempt_started', at });
      const attempt: AttemptRow = {
        task_id: id,
        n: task.attempt,
        status: 'starting',
        reason: null,
        detail: null,
        runner: this.#deps.workers.runner.kind,
        worker: warm?.name ?? newWorkerName(),
        warm: warm !== undefined,
        last_seq: 0,
        started_at: at,
        ended_at: null,
      };
      insertAttempt(tx.db, attempt);
      const workspace = task.workspace ?? attempt.worker;
      setWorkspace(tx.db, id, workspace);
      markServed(tx.db, task.user_id, at);
      const { runner, worker } = attempt;
      tx.note(task, { type: 'attempt.started', body: { runner, worker, warm: attempt.warm } }, at);
      return { attempt, workspace };
    });
  }

  /** The worker of an attempt that has ended may be there still: its task starts no other before it has gone. */
  #clearAway(attempt: AttemptRow): void {
    const workspace = findTask(this.#deps.log.db, attempt.task_id)?.workspace ?? attempt.worker;
    const run = new AttemptRun(this.#run_deps, attempt);
    this.#runs.set(attempt.task_id, { run, done: run.clearAway(workspace) });
  }

  /** Takes up a living attempt that no run of this process has: its worker was started by an earlier one, or was about to be. */
  #takeUp(attempt: AttemptRow): void {
    const { task_id } = attempt;
    const workspace = findTask(this.#deps.log.db, task_id)?.workspace ?? attempt.worker;
    const run = new AttemptRun(this.#run_deps, attempt);
    const called = attempt.status === 'running' || attempt.last_seq > 0;
    this.#deps.onAttemptBegun(attempt);
    this.#runs.set(task_id, { run, done: called ? run.adopt(workspace) : run.start(workspace) });
  }
}
