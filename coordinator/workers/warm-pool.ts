import type { Logger } from '../base/logger.ts';
import { Backoff } from '../base/retry.ts';
import type { DispatchGate } from '../tasks/dispatch-gate.ts';
import { BOOT_MS, callWhileBooting } from './boot.ts';
import type { Worker } from './runner.ts';
import type { RunnerHealth } from './runner-health.ts';
import { readHealth } from './worker-client.ts';
import { newWorkerName } from './worker-name.ts';
import type { Workers } from './workers.ts';
import type { Workspaces } from './workspaces.ts';

const BACKOFF = { first_ms: 1_000, max_ms: 60_000 };

export type WarmPoolDependencies = {
  size: number;
  workers: Workers;
  workspaces: Workspaces;
  gate: DispatchGate;
  health: RunnerHealth;
  logger: Logger;
};

/**
 * Workers that were started ahead of time and wait for a task. They are started one at a time, in the background, and
 * not while the dispatch gate is closed. One that dies is replaced, with backoff.
 */
export class WarmPool {
  readonly #deps: WarmPoolDependencies;
  readonly #ready: Worker[] = [];
  readonly #stop = new AbortController();
  readonly #backoff = new Backoff(BACKOFF);
  /** The worker that is booting. */
  #booting: string | undefined;
  #filling: Promise<void> | undefined;

  constructor(deps: WarmPoolDependencies) {
    this.#deps = deps;
  }

  /** How many workers wait. */
  get waiting(): number {
    return this.#ready.length;
  }

  /** Whether a worker of this name belongs to the pool. Its workspace has the same name. */
  has(name: string): boolean {
    return this.#booting === name || this.#ready.some((worker) => worker.name === name);
  }

  /** Removes and returns the worker that has waited longest; undefined if none waits. */
  take(): Worker | undefined {
    return this.#ready.shift();
  }

  /** Puts back a worker that was taken and not used. */
  putBack(worker: Worker): void {
    this.#ready.unshift(worker);
  }

  /** Starts missing workers in the background: after a worker was taken, and once the dispatch gate opens. */
  refill(): void {
    if (this.#filling || this.#stop.signal.aborted) return;
    this.#filling = this.#fill().finally(() => (this.#filling = undefined));
  }

  /** Removes the waiting workers, and starts no more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#filling;
    await Promise.all(this.#ready.splice(0).map((worker) => this.#discard(worker)));
  }

  async #fill(): Promise<void> {
    const { size, gate, health, logger } = this.#deps;
    while (this.#ready.length < size && gate.fault === null && !this.#stop.signal.aborted) {
      try {
        await this.#boot();
        health.warmStarted();
        this.#backoff.reset();
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        logger.warn({ err: error }, 'warm worker start failed');
        await health.warmStartFailed();
        await this.#backoff.wait(this.#stop.signal);
      }
    }
  }

  async #boot(): Promise<void> {
    const name = newWorkerName();
    this.#booting = name;
    let worker: Worker | undefined;
    try {
      worker = await this.#deps.workers.open(name, name);
      await worker.start();
      await this.#waitUntilReady(worker);
      this.#ready.push(worker);
      void this.#replaceOnExit(worker);
    } catch (error) {
      if (worker) await this.#discard(worker);
      throw error;
    } finally {
      this.#booting = undefined;
    }
  }

  /** Resolves once the worker responds. Rejects if it exits first, or does not listen within `BOOT_MS`. */
  async #waitUntilReady(worker: Worker): Promise<void> {
    const { name, channel } = worker;
    if (!channel) throw new Error(`The worker ${name} cannot be called.`);
    await callWhileBooting(worker, channel, { within_ms: BOOT_MS, signal: this.#stop.signal }, () =>
      readHealth(channel),
    );
  }

  async #replaceOnExit(worker: Worker): Promise<void> {
    const { exit_code, output } = await worker.ended;
    const index = this.#ready.indexOf(worker);
    if (index < 0) return;
    this.#ready.splice(index, 1);
    this.#deps.logger.warn({ worker: worker.name, exit_code, output }, 'warm worker died');
    await this.#discard(worker);
    await this.#backoff.wait(this.#stop.signal);
    this.refill();
  }

  async #discard(worker: Worker): Promise<void> {
    try {
      await worker.remove();
      await this.#deps.workspaces.remove(worker.workspace);
    } catch (error) {
      // The next reconciliation finds it as an orphan.
      this.#deps.logger.warn({ worker: worker.name, err: error }, 'warm worker removal failed');
    }
  }
}
