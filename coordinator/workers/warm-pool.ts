import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { DispatchGate } from '../tasks/dispatch-gate.ts';
import { newWorkerName } from './worker-directories.ts';
import type { RunnerHealth } from './runner-health.ts';
import { readHealth, WorkerUnreachable } from './worker-client.ts';
import type { Worker, Workers } from './workers.ts';

const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_MAX_MS = 60_000;
/** How long a worker may take from its start until it serves. */
export const BOOT_MS = 20_000;
/** Between two looks whether a worker that boots serves already. */
export const LOOK_MS = 10;

/**
 * Workers that were started ahead and wait to be handed a task. They are started one at a time, in the background, and not while
 * work is held back; one that dies is replaced, with backoff.
 */
export class WarmPool {
  readonly #size: number;
  readonly #workers: Workers;
  readonly #gate: DispatchGate;
  readonly #health: RunnerHealth;
  readonly #logger: Logger;
  readonly #ready: Worker[] = [];
  readonly #stop = new AbortController();
  /** The worker that boots now. */
  #booting: string | undefined;
  #filling: Promise<void> | undefined;
  #failures = 0;

  constructor(deps: { size: number; workers: Workers; gate: DispatchGate; health: RunnerHealth; logger: Logger }) {
    this.#size = deps.size;
    this.#workers = deps.workers;
    this.#gate = deps.gate;
    this.#health = deps.health;
    this.#logger = deps.logger;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#ready.length;
  }

  /** Whether a worker of this name is one of the pool's. */
  has(name: string): boolean {
    return this.#booting === name || this.#ready.some((worker) => worker.name === name);
  }

  /** The worker that has waited longest, whose workspace is new; undefined where none waits. It is the caller's from here on. */
  take(): Worker | undefined {
    return this.#ready.shift();
  }

  /** Puts back a worker that was taken and has not been handed anything. */
  putBack(worker: Worker): void {
    this.#ready.unshift(worker);
  }

  /** Starts what is missing, in the background: after a worker was taken, and once work may start again. */
  refill(): void {
    if (this.#filling || this.#stop.signal.aborted) return;
    this.#filling = this.#fill().finally(() => (this.#filling = undefined));
  }

  /** Removes the workers that wait, and starts no more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#filling;
    await Promise.all(this.#ready.splice(0).map((worker) => this.#discard(worker)));
  }

  async #fill(): Promise<void> {
    while (this.#ready.length < this.#size && this.#gate.fault === null && !this.#stop.signal.aborted) {
      try {
        await this.#boot();
        this.#failures = 0;
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#logger.warn({ err: error }, 'a warm worker could not be started');
        await this.#health.check();
        await this.#backOff();
      }
    }
  }

  async #boot(): Promise<void> {
    const name = newWorkerName();
    this.#booting = name;
    let worker: Worker | undefined;
    try {
      worker = await this.#workers.open(name, name);
      await worker.start();
      await this.#serves(worker);
      this.#ready.push(worker);
      void this.#watch(worker);
    } catch (error) {
      if (worker) await this.#discard(worker);
      throw error;
    } finally {
      this.#booting = undefined;
    }
  }

  /** Resolves once the worker serves; rejects where it ends first, or takes longer than `BOOT_MS`. */
  async #serves(worker: Worker): Promise<void> {
    let gone = false;
    void worker.ended.then(() => (gone = true));
    const until = performance.now() + BOOT_MS;
    for (;;) {
      try {
        await readHealth(worker.link);
        return;
      } catch (error) {
        const wait = error instanceof WorkerUnreachable && error.unreached && !gone && performance.now() < until;
        if (!wait) throw gone ? new Error(`The worker ${worker.name} ended before it served.`) : error;
      }
      await delay(LOOK_MS, undefined, { signal: this.#stop.signal });
    }
  }

  /** Replaces a worker that dies while it waits. */
  async #watch(worker: Worker): Promise<void> {
    const end = await worker.ended;
    const index = this.#ready.indexOf(worker);
    if (index < 0) return;
    this.#ready.splice(index, 1);
    this.#logger.warn({ worker: worker.name, exit_code: end.exit_code, output: end.output }, 'a warm worker died');
    await this.#discard(worker);
    await this.#backOff();
    this.refill();
  }

  /** Waits the longer the more often it failed in a row. */
  async #backOff(): Promise<void> {
    const wait_ms = Math.min(BACKOFF_FIRST_MS * 2 ** this.#failures, BACKOFF_MAX_MS);
    this.#failures += 1;
    await delay(wait_ms, undefined, { signal: this.#stop.signal, ref: false }).catch(() => undefined);
  }

  async #discard(worker: Worker): Promise<void> {
    try {
      await worker.remove();
      await this.#workers.folders.removeWorkspace(worker.workspace);
    } catch (error) {
      // The next reconciliation finds it as an orphan.
      this.#logger.warn({ worker: worker.name, err: error }, 'a warm worker could not be removed');
    }
  }
}
