import { setTimeout as delay } from 'node:timers/promises';
import { ErrandError } from '../../protocol/problem.ts';
import type { FailureReason } from '../../protocol/task.ts';
import { aborted } from '../base/deadline.ts';
import type { AttemptRow } from '../domain/task.ts';
import type { Logger } from '../base/logger.ts';
import { retry } from '../base/retry.ts';
import type { Db } from '../sqlite/database.ts';
import { findTask } from '../sqlite/tasks.ts';
import { setWorkspace } from '../sqlite/workspaces.ts';
import type { DispatchGate } from '../tasks/dispatch-gate.ts';
import { SecretsUnreadable } from '../tasks/secrets.ts';
import { AttemptEnd } from './attempt-end.ts';
import { AttemptWorker, type AttemptWorkerDependencies } from './attempt-worker.ts';
import { Cancellation } from './cancellation.ts';
import { describeExit } from './describe-exit.ts';
import { failureLevel } from './failure-level.ts';
import { ImageUnusable } from './image-unusable.ts';
import { MessagePush } from './message-push.ts';
import type { Worker, WorkerEnd } from './runner.ts';
import type { MeasuredWorkspace } from './workspace-watch.ts';

/** How long a worker may take to exit by itself once its attempt has ended. */
const EXIT_GRACE_MS = 2_000;
/** How long after a worker's exit its last callbacks may still arrive. */
const LAST_CALLS_MS = 250;
const REMOVE_RETRY = { first_ms: 1_000, max_ms: 30_000 };

export type AttemptDependencies = AttemptWorkerDependencies & {
  gate: DispatchGate;
  heartbeat_ms: number;
  /** Redacts the task's secrets from what its worker printed. */
  redact: (task_id: string, text: string) => string;
  /** Resolves once workers are known to be isolated, or the signal aborts. */
  untilIsolated: (signal: AbortSignal) => Promise<void>;
  /** Called once the worker has accepted the task, or could not be started. */
  onBegun: (attempt: AttemptRun, started: boolean) => void;
  /** Called once the worker and everything that it left is removed, so that its slot is free. */
  onGone: (attempt: AttemptRun) => void;
};

/**
 * One running attempt: hands the task to a worker, watches the worker until it is gone, and cleans up. It is over
 * once the attempt has ended in the database (a result, an expired lease, a cancel) and the worker has exited.
 * Whichever happens first causes the other.
 */
export class AttemptRun {
  readonly task_id: string;
  readonly n: number;
  readonly #deps: AttemptDependencies;
  readonly #logger: Logger;
  /** Aborts once the attempt has ended in the database. */
  readonly #over = new AbortController();
  /** Aborts when the server stops. The worker keeps running. */
  readonly #left = new AbortController();
  /** Aborts with either. */
  readonly #done = AbortSignal.any([this.#over.signal, this.#left.signal]);
  readonly #worker: AttemptWorker;
  readonly #end: AttemptEnd;
  readonly #messages: MessagePush;
  readonly #cancellation: Cancellation;
  /** The coordinator ended the attempt: the worker gets no time to exit by itself. */
  #killed = false;
  /** The workspace exceeded its limit, and is removed with the worker. */
  #drops_workspace = false;

  constructor(deps: AttemptDependencies, attempt: Pick<AttemptRow, 'task_id' | 'n' | 'worker' | 'image'>) {
    const { task_id, n } = attempt;
    this.task_id = task_id;
    this.n = n;
    this.#deps = deps;
    this.#logger = deps.logger.child({ task_id, attempt: n });
    const { log, heartbeat_ms } = deps;
    const [logger, kill] = [this.#logger, () => this.#kill()];
    this.#worker = new AttemptWorker({ ...deps, logger }, attempt, this.#done);
    this.#end = new AttemptEnd({ log, logger }, attempt);
    this.#messages = new MessagePush(log.db, task_id, logger);
    this.#cancellation = new Cancellation({ logger, heartbeat_ms, kill });
  }

  /** The name of the worker that has the attempt now. */
  get worker_name(): string {
    return this.#worker.name;
  }

  /** The name of the worker's workspace; undefined while there is no worker yet. */
  get workspace(): string | undefined {
    return this.#worker.current?.workspace;
  }

  /** The workspace to measure; undefined if no worker writes to this machine now. */
  get measured(): MeasuredWorkspace | undefined {
    const worker = this.#worker.current;
    if (!worker || this.#done.aborted || worker.local_dirs.length === 0) return undefined;
    const tooLarge = (detail: string) => this.#dropWorkspace(detail);
    const written = async () => worker.written?.();
    return { task_id: this.task_id, key: this, dirs: worker.local_dirs, written, tooLarge };
  }

  /**
   * Starts the attempt on the warm worker, or on a new one. Resolves when the worker is gone or the server stops.
   * Never rejects.
   */
  start(warm?: Worker): Promise<void> {
    return this.#run(async () => {
      // An attempt that an earlier process was about to start has not waited for it.
      await this.#deps.untilIsolated(this.#done);
      if (!this.#done.aborted) await this.#worker.begin(warm);
    });
  }

  /** Adopts an attempt whose worker got the task before this server started. */
  adopt(): Promise<void> {
    return this.#run(() => this.#worker.adopt(this.#left.signal));
  }

  /**
   * Removes the worker of an attempt that has ended, if it still exists. Until it is certainly gone, nobody else gets
   * its workspace.
   */
  cleanUp(): Promise<void> {
    this.#over.abort();
    return this.#run(() => this.#worker.open(this.#left.signal));
  }

  /**
   * Pushes a pending cancel or pending messages to the worker. If that fails, the reply to the next callback has
   * them.
   */
  control(): void {
    if (this.#done.aborted) return;
    const { current, has_task } = this.#worker;
    const reason = this.#cancelReason();
    if (reason !== null) {
      // No worker has the task yet, so there is no work to save.
      if (!has_task) this.#kill();
      else if (current) this.#cancellation.begin(current, reason, this.#over.signal);
    } else if (has_task && current?.channel) void this.#messages.push(current.channel, this.#done);
  }

  /** The attempt has ended in the database: the worker gets a moment to exit by itself, and is then removed. */
  ended(): void {
    this.#cancellation.stop();
    this.#over.abort();
  }

  /** The server stops: a running worker keeps running. A worker whose attempt has ended is still removed. */
  leave(): void {
    this.#cancellation.stop();
    if (!this.#over.signal.aborted) this.#left.abort();
  }

  /** Stops watching the worker in any case. The next start of the server finds it. */
  abandon(): void {
    this.#left.abort();
  }

  async #run(begin: () => Promise<void>): Promise<void> {
    const started = await begin().then(
      () => true,
      (error: unknown) => this.#couldNotStart(error),
    );
    // A cancel or message may have come before there was a worker to push it to.
    this.control();
    this.#deps.onBegun(this, started);
    const worker = this.#worker.current;
    if (worker) {
      await this.#watch(worker);
      if (this.#left.signal.aborted) return worker.detach();
      await this.#remove(worker);
      if (this.#drops_workspace) await this.#removeWorkspace(worker.workspace);
    }
    // If the disk was full, the removal may have freed the space that this needs.
    await this.#end.flush(this.#left.signal);
    if (!this.#left.signal.aborted) this.#deps.onGone(this);
  }

  #couldNotStart(error: unknown): false {
    if (this.#done.aborted) return false;
    this.#logger.error({ err: error, worker: this.worker_name }, 'attempt start failed');
    this.#finish({
      status: 'failed',
      reason: startFailureReason(error),
      final: error instanceof ImageUnusable,
      detail:
        error instanceof ErrandError
          ? this.#redact(error.message)
          : "The worker could not be started. The server's log says why.",
    });
    return false;
  }

  /** Resolves once the worker is to be removed, or the server stops. */
  async #watch(worker: Worker): Promise<void> {
    const over = this.#over.signal;
    const left = this.#left.signal;
    const end = await Promise.race([worker.ended, aborted(over), aborted(left)]);
    if (left.aborted) return;
    if (end && !over.aborted) {
      // Its last callbacks may not be stored yet, above all its result.
      await Promise.race([aborted(over), delay(LAST_CALLS_MS)]);
      if (!over.aborted) this.#lost(end);
      return;
    }
    const until_kill_ms = this.#cancellation.kill_at_ms - performance.now();
    const grace_ms = this.#killed ? 0 : Math.max(0, Math.min(EXIT_GRACE_MS, until_kill_ms));
    await Promise.race([worker.ended, aborted(left), delay(grace_ms, undefined, { ref: false })]);
  }

  #lost({ output, ...facts }: WorkerEnd): void {
    const end = { ...facts, output: this.#redact(output) };
    this.#logger.warn(end, 'worker exited without a result');
    if (this.#cancelReason() !== null) this.#finish({ status: 'cancelled', reason: null, detail: null });
    else this.#finish({ status: 'failed', ...describeExit(end) });
  }

  #redact(text: string): string {
    return this.#deps.redact(this.task_id, text);
  }

  #kill(): void {
    this.#finish({ status: 'cancelled', reason: null, detail: 'The worker was killed.' });
  }

  /** Ends the attempt at once, without a last push, because the worker could fill the disk further. */
  #dropWorkspace(detail: string): void {
    if (this.#done.aborted) return;
    this.#logger.warn({ detail }, 'workspace too large');
    // Even if the end cannot be stored because the disk is full: the removal frees space.
    this.#drops_workspace = true;
    this.#finish({ status: 'failed', reason: 'workspace_full', detail }, (db) => setWorkspace(db, this.task_id, null));
  }

  async #removeWorkspace(workspace: string): Promise<void> {
    if (this.#left.signal.aborted) return;
    await this.#deps.workspaces.remove(workspace).catch((error: unknown) => {
      // No task has it any more, so the next reconciliation removes it.
      this.#logger.warn({ err: error, workspace }, 'workspace removal failed');
    });
  }

  /**
   * Ends the attempt unless it has ended already, with `also` in the same transaction. This fences the worker, which
   * is killed afterwards.
   */
  #finish(end: Parameters<AttemptEnd['store']>[0], also: (db: Db) => void = () => undefined): void {
    this.#killed = true;
    this.#end.store(end, also);
    this.ended();
  }

  /** Removes the worker, with retries. Until it is certainly gone, nobody else may use its workspace. */
  #remove(worker: Worker): Promise<void> {
    const onFailure = (error: unknown) =>
      this.#logger[failureLevel(this.#deps.gate, 'error')](
        { err: error, worker: worker.name },
        'worker removal failed; retrying',
      );
    return retry(() => worker.remove(), { ...REMOVE_RETRY, signal: this.#left.signal, onFailure });
  }

  #cancelReason(): string | null {
    return findTask(this.#deps.log.db, this.task_id)?.cancel_reason ?? null;
  }
}

/** Only `worker_start_failed` is worth another attempt. */
function startFailureReason(error: unknown): FailureReason {
  if (error instanceof SecretsUnreadable) return 'setup_failed';
  if (error instanceof ErrandError && error.code === 'too_large') return 'context_exhausted';
  return 'worker_start_failed';
}
