import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError, type ErrorCode } from '../../protocol/problem.ts';
import type { FailureReason } from '../../protocol/task.ts';
import type { Assignment } from '../../protocol/worker.ts';
import { AttemptEnd } from './attempt-end.ts';
import { handOver } from './hand-off.ts';
import { keepTrying } from '../base/retry.ts';
import { newWorkerName } from './worker-directories.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import { MessagePush } from './message-push.ts';
import { BOOT_MS } from './warm-pool.ts';
import type { WorkerEnd } from './runner.ts';
import { replaceWorker } from '../sqlite/attempts.ts';
import type { Db } from '../sqlite/database.ts';
import { findTask } from '../sqlite/tasks.ts';
import { setWorkspace } from '../sqlite/workspaces.ts';
import { postCancel, readHealth } from './worker-client.ts';
import { wordsForEnd } from './exit-reason.ts';
import type { Worker, Workers } from './workers.ts';
import type { Measured } from './workspace-watch.ts';

/** How long a warm worker may take to accept its task. */
const WARM_HAND_OVER_MS = 1_000;
/** How long a worker whose attempt has ended may take to exit by itself. */
const EXIT_GRACE_MS = 2_000;
/** How long after a worker's exit its last calls may still take effect. */
const LAST_CALLS_MS = 250;
const REMOVE_RETRY = { first_ms: 1_000, max_ms: 30_000 };

/** What no other try would fare better with: the conversation has outgrown a worker, or the project's secrets cannot be opened. */
const REASON_OF: Partial<Record<ErrorCode, FailureReason>> = {
  too_large: 'context_exhausted',
  conflict: 'setup_failed',
};

export type AttemptRunDeps = {
  log: EventLog;
  workers: Workers;
  logger: Logger;
  buildAssignment: (task_id: string, n: number) => Promise<Assignment>;
  /** The run ended the attempt: always after the commit. */
  onEnded: (task_id: string, n: number) => void;
  /** The worker was handed the task, or could not be. */
  onBegun: (started: boolean) => void;
  /** The worker has gone, with all that it left: its place is free. */
  onGone: (run: AttemptRun) => void;
};

/**
 * One attempt under way: it hands the task to a worker, watches the worker until it has gone, and clears it away. Two facts end it, in any order:
 * the attempt's end in the database (a result, a lost lease, a cancel) and the worker's exit; whichever comes first brings about the other.
 */
export class AttemptRun {
  readonly task_id: string;
  readonly n: number;
  readonly #deps: AttemptRunDeps;
  readonly #logger: Logger;
  #worker_name: string;
  #worker: Worker | undefined;
  #handed_over = false;
  #cancelling: NodeJS.Timeout | undefined;
  /** Aborts once the attempt has ended in the database. */
  readonly #over = new AbortController();
  /** When the worker is to have gone by itself, at the latest: once it is being cancelled, or its attempt was given up. */
  #gone_by_ms = Infinity;
  /** Aborts when the server stops: the worker lives on without this run. */
  readonly #left = new AbortController();
  /** Aborts with either. */
  readonly #done = AbortSignal.any([this.#over.signal, this.#left.signal]);
  /** The workspace outgrew its bound, and goes with the worker. */
  #workspace_goes = false;
  readonly #end: AttemptEnd;
  readonly #messages: MessagePush;

  constructor(deps: AttemptRunDeps, attempt: { task_id: string; n: number; worker: string }) {
    this.task_id = attempt.task_id;
    this.n = attempt.n;
    this.#deps = deps;
    this.#worker_name = attempt.worker;
    this.#logger = deps.logger.child({ task_id: attempt.task_id, attempt: attempt.n });
    const onEnded = () => deps.onEnded(attempt.task_id, attempt.n);
    this.#end = new AttemptEnd({ log: deps.log, logger: this.#logger, onEnded }, attempt);
    this.#messages = new MessagePush(deps.log.db, attempt.task_id, this.#logger);
  }

  /** The name of the worker that has the attempt now. */
  get worker_name(): string {
    return this.#worker_name;
  }

  /** The name of the workspace that its worker has; undefined: it has none yet, or no worker any more. */
  get workspace(): string | undefined {
    return this.#worker?.workspace;
  }

  /** Its workspace, with its link, to be measured; undefined where no worker writes in it. */
  get measured(): Measured | undefined {
    if (!this.#worker || this.#done.aborted) return undefined;
    const { link, workspace } = this.#worker;
    // All that a worker may write to.
    const dirs = [this.#deps.workers.folders.workspace(workspace), link.worker_dir];
    return { task_id: this.task_id, dirs, tooLarge: (detail) => this.#giveUpWorkspace(detail) };
  }

  /** Starts the attempt on `warm`, or on a worker of its own. Resolves when the worker has gone, or the run was left. Never rejects. */
  start(workspace: string, warm?: Worker): Promise<void> {
    return this.#run(() => this.#begin(workspace, warm));
  }

  /** Takes up an attempt that was handed over before this server started. */
  adopt(workspace: string): Promise<void> {
    this.#handed_over = true;
    return this.#run(async () => {
      await this.#open(workspace);
      // What came before there was anyone to push it to.
      this.control();
    });
  }

  /** Takes up an attempt that has ended, and whose worker may be there still: until it has gone for certain, nobody else has its workspace. */
  clearAway(workspace: string): Promise<void> {
    this.#over.abort();
    return this.#run(() => this.#open(workspace));
  }

  /** Listens to a worker that may be there, however often it takes: it is not let go of before it is known to have gone. */
  #open(workspace: string): Promise<void> {
    const open = async () => {
      this.#worker = await this.#deps.workers.open(this.#worker_name, workspace);
    };
    const onFailure = (error: unknown) =>
      this.#logger.error(
        { err: error, worker: this.#worker_name },
        'the worker cannot be listened to; it is tried again',
      );
    return keepTrying(open, { ...REMOVE_RETRY, signal: this.#left.signal, onFailure });
  }

  /** Pushes what is pending for the task: a cancel, or messages. What does not arrive comes with the next callback's answer. */
  control(): void {
    if (this.#done.aborted) return;
    const reason = this.#cancelReason();
    if (reason !== null) this.#cancel(reason);
    else if (this.#handed_over && this.#worker) void this.#messages.push(this.#worker.link, this.#done);
  }

  /** The attempt has ended in the database: the worker may exit by itself for a moment, and is then cleared away. */
  ended(): void {
    clearTimeout(this.#cancelling);
    this.#over.abort();
  }

  /** The server stops: a worker at work lives on. One whose attempt has ended is about to go, and is still cleared away. */
  leave(): void {
    clearTimeout(this.#cancelling);
    if (!this.#over.signal.aborted) this.#left.abort();
  }

  /** Lets go of the worker, whatever became of it: the next start finds it. */
  abandon(): void {
    this.#left.abort();
  }

  async #run(begin: () => Promise<void>): Promise<void> {
    const started = await begin().then(
      () => true,
      (error: unknown) => this.#couldNotBegin(error),
    );
    this.#deps.onBegun(started);
    const worker = this.#worker;
    if (worker) {
      await this.#watch(worker);
      if (this.#left.signal.aborted) return worker.detach();
      await this.#clear(worker);
      if (this.#workspace_goes) await this.#removeWorkspace(worker.workspace);
    }
    // What went may have made the room that this takes.
    await this.#end.settle(this.#left.signal);
    if (!this.#left.signal.aborted) this.#deps.onGone(this);
  }

  async #begin(workspace: string, warm: Worker | undefined): Promise<void> {
    const assignment = await this.#deps.buildAssignment(this.task_id, this.n);
    if (warm) {
      this.#worker = warm;
      if (await this.#handOver(warm, assignment, WARM_HAND_OVER_MS)) return;
      if (this.#done.aborted || !this.#replace(warm)) return;
      // Only once the warm one has gone may another have the task.
      await warm.remove();
      await this.#deps.workers.folders.removeWorkspace(warm.workspace);
      this.#worker = undefined;
      workspace = this.#worker_name;
    }
    if (this.#done.aborted) return;
    this.#worker = await this.#deps.workers.open(this.#worker_name, workspace);
    await this.#worker.start();
    if ((await this.#handOver(this.#worker, assignment, BOOT_MS)) || this.#done.aborted) return;
    // One of another version of the contract refuses every task, and its health says it in words that help.
    await readHealth(this.#worker.link).catch((error: unknown) => {
      if (error instanceof ErrandError) throw error;
    });
    throw new ErrandError('unavailable', 'The worker was started, but did not take the task.');
  }

  async #handOver(worker: Worker, assignment: Assignment, within_ms: number): Promise<boolean> {
    const options = { within_ms, signal: this.#done, logger: this.#logger };
    if (!(await handOver(worker, assignment, options))) return false;
    this.#handed_over = true;
    // A cancel that came meanwhile found nobody to push it to.
    this.control();
    return true;
  }

  /**
   * Gives the attempt to a new worker, in the database first: from then on the old one's calls are refused. False: the old one has called
   * meanwhile, and so it has taken the task after all.
   */
  #replace(old: Worker): boolean {
    const name = newWorkerName();
    const at = new Date().toISOString();
    const replaced = this.#deps.log.write((tx) => {
      const task = findTask(tx.db, this.task_id);
      if (!task || !replaceWorker(tx.db, this.task_id, this.n, old.name, name)) return false;
      setWorkspace(tx.db, this.task_id, name);
      const { kind } = this.#deps.workers.runner;
      tx.note(task, { type: 'attempt.started', body: { runner: kind, worker: name, warm: false } }, at);
      return true;
    });
    if (replaced) this.#worker_name = name;
    else this.#handed_over = true;
    return replaced;
  }

  #couldNotBegin(error: unknown): false {
    if (this.#done.aborted) return false;
    this.#logger.error({ err: error, worker: this.#worker_name }, 'the attempt could not begin');
    const known = error instanceof ErrandError;
    this.#finish({
      status: 'failed',
      reason: (known && REASON_OF[error.code]) || 'worker_start_failed',
      detail: known ? error.message : "The worker could not be started; the server's log says why.",
    });
    return false;
  }

  /** Resolves once the worker is to be cleared away, or the run was left. */
  async #watch(worker: Worker): Promise<void> {
    const end = await Promise.race([worker.ended, aborted(this.#over.signal), aborted(this.#left.signal)]);
    if (this.#left.signal.aborted) return;
    if (end && !this.#over.signal.aborted) {
      // What it had sent before it went may still be on its way to the database, its result above all.
      await Promise.race([aborted(this.#over.signal), delay(LAST_CALLS_MS)]);
      if (!this.#over.signal.aborted) this.#lost(end);
      return;
    }
    const grace_ms = Math.min(EXIT_GRACE_MS, this.#gone_by_ms - performance.now());
    const grace = delay(Math.max(0, grace_ms), undefined, { ref: false });
    await Promise.race([worker.ended, aborted(this.#left.signal), grace]);
  }

  #lost(end: WorkerEnd): void {
    this.#logger.warn(end, 'the worker went without a result');
    if (this.#cancelReason() !== null) this.#finish({ status: 'cancelled', reason: null, detail: null });
    else this.#finish({ status: 'failed', ...wordsForEnd(end) });
  }

  #cancel(reason: string): void {
    if (this.#cancelling) return;
    const kill = () => this.#finish({ status: 'cancelled', reason: null, detail: 'It was stopped from outside.' });
    // Nobody has begun: there is nothing to bring to an end in order.
    if (!this.#handed_over) return kill();
    if (!this.#worker) return;
    const killAfter = (wait_ms: number) => {
      clearTimeout(this.#cancelling);
      this.#cancelling = setTimeout(kill, wait_ms);
      this.#gone_by_ms = performance.now() + wait_ms;
    };
    killAfter(LIMITS.cancel_grace_ms);
    postCancel(this.#worker.link, reason).then(
      // It has stopped its work. What is left to it is to save that work, and a forge far away takes its time.
      ({ status }) => status === 202 && !this.#over.signal.aborted && killAfter(LIMITS.cancel_push_ms),
      (error: unknown) =>
        this.#logger.info({ err: error }, 'the cancel could not be pushed; it comes with the next callback'),
    );
  }

  /** At once, and without a last push: whatever is still done in there may be more of the same. */
  #giveUpWorkspace(detail: string): void {
    if (this.#done.aborted) return;
    this.#logger.warn({ detail }, 'a workspace is too large');
    // Also where the end cannot be stored, for the disk is full: this is what makes room.
    this.#workspace_goes = true;
    this.#finish({ status: 'failed', reason: 'workspace_full', detail }, (db) => setWorkspace(db, this.task_id, null));
  }

  async #removeWorkspace(workspace: string): Promise<void> {
    if (this.#left.signal.aborted) return;
    await this.#deps.workers.folders.removeWorkspace(workspace).catch((error: unknown) => {
      // It is no task's any more: the next reconciliation removes it.
      this.#logger.warn({ err: error, workspace }, 'a workspace could not be removed');
    });
  }

  /** Ends the attempt, where it has not ended yet, and does `also` with it. The worker is fenced off by that; it is killed after. */
  #finish(end: Parameters<AttemptEnd['store']>[0], also: (db: Db) => void = () => undefined): void {
    this.#gone_by_ms = performance.now();
    this.#end.store(end, also);
    this.ended();
  }

  /** Removes the worker, however often it takes: until it has gone for certain, nobody else may have its workspace. */
  #clear(worker: Worker): Promise<void> {
    const onFailure = (error: unknown) =>
      this.#logger.error({ err: error, worker: worker.name }, 'the worker could not be removed; it is tried again');
    return keepTrying(() => worker.remove(), { ...REMOVE_RETRY, signal: this.#left.signal, onFailure });
  }

  #cancelReason(): string | null {
    return findTask(this.#deps.log.db, this.task_id)?.cancel_reason ?? null;
  }
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
