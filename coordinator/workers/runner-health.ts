import type { Logger } from '../base/logger.ts';
import { Backoff } from '../base/retry.ts';
import type { DispatchGate } from '../tasks/dispatch-gate.ts';
import type { Runner } from './runner.ts';

/** After so many warm workers in a row, and errands, whose workers did not start, the next ones will not either. */
const START_FAILURES_MAX = 3;
const RECHECK = { first_ms: 1_000, max_ms: 30_000 };

/**
 * Checks whether the runner can start workers. While it cannot, tasks stay in the queue instead of failing, and the
 * check is repeated with backoff. Whether the workers that it starts also boot, only their starts tell.
 */
export class RunnerHealth {
  readonly #runner: Runner;
  readonly #gate: DispatchGate;
  readonly #logger: Logger;
  readonly #backoff = new Backoff(RECHECK);
  #checking = false;
  /** How many warm workers in a row did not start although the runner was well. */
  #warm_failures = 0;
  /** The errands whose workers did not start, or took no task, since the last one that did: one may fail by itself. */
  readonly #failed_tasks = new Set<string>();
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(runner: Runner, gate: DispatchGate, logger: Logger) {
    this.#runner = runner;
    this.#gate = gate;
    this.#logger = logger;
  }

  /** Why no worker starts any more, as a sentence for the server's owner; null: as far as is known they do. */
  get start_fault(): string | null {
    if (this.#failures < START_FAILURES_MAX) return null;
    const advice =
      this.#runner.name === 'docker'
        ? ': if the image is the cause, build it with "npm run image", or correct ERRAND_WORKER_IMAGE'
        : '';
    return `No worker starts: the last ${this.#failures} have failed. The server's log says why${advice}.`;
  }

  get #failures(): number {
    return this.#warm_failures + this.#failed_tasks.size;
  }

  /** A worker has accepted its task. */
  started(): void {
    this.#forget();
  }

  /** A warm worker has booted. Whether it accepts a task, nobody knows yet. */
  warmStarted(): void {
    this.#warm_failures = 0;
  }

  /** A worker of the task did not start, or accepted no task. Never rejects. */
  async startFailed(task_id: string): Promise<void> {
    const before = this.#failures;
    this.#failed_tasks.add(task_id);
    await this.#failed(before);
  }

  /** A warm worker did not start. Never rejects. */
  async warmStartFailed(): Promise<void> {
    const before = this.#failures;
    this.#warm_failures++;
    await this.#failed(before);
  }

  async #failed(before: number): Promise<void> {
    if (before < START_FAILURES_MAX && this.#failures >= START_FAILURES_MAX)
      this.#logger.error({ runner: this.#runner.name, failures: this.#failures }, 'workers do not start');
    await this.check();
  }

  /** Checks the runner: at the start, and whenever an attempt could not begin. Never rejects. */
  async check(): Promise<void> {
    if (this.#checking || this.#stopped) return;
    this.#checking = true;
    clearTimeout(this.#timer);
    const fault = await this.#runner.check().catch((error: unknown) => {
      this.#logger.error({ err: error, runner: this.#runner.name }, 'runner check failed');
      return 'The runner could not be checked.';
    });
    this.#checking = false;
    if (this.#stopped) return;
    this.#gate.set('runner', fault);
    if (fault !== null) this.#forget();
    if (fault === null) this.#backoff.reset();
    else this.#timer = setTimeout(() => void this.check(), this.#backoff.next());
  }

  #forget(): void {
    this.#warm_failures = 0;
    this.#failed_tasks.clear();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }
}
