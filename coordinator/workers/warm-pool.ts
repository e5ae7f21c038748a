import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../base/logger.ts';
import { Backoff } from '../base/retry.ts';
import type { DispatchGate } from '../tasks/dispatch-gate.ts';
import { BOOT_MS, BOOT_POLL_MS } from './hand-off.ts';
import { WorkerUnreachable, type Worker } from './runner.ts';
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
 * Workers that were started ahead of time and wait for a task. They are started one at a time, in the background, and not while dispatch is
 * held. One that dies is replaced, with backoff.
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

  /** How many wait. */
  get waiting(): number {
    return this.#ready.length;
  }

  /** Whether a worker of this name belongs to the pool. Its workspace has the same name. */
  has(name: string): boolean {
    return this.#booting === name || this.#ready.some((worker) => worker.name === name);
  }

  /** The worker that has waited longest; undefined where none waits. It belongs to the caller from here on. */
  take(): Worker | undefined {
    return this.#ready.shift();
  }

  /** Puts back a worker that was taken and not used. */
  putBack(worker: Worker): void {
    this.#ready.unshift(worker);
  }

  /** Starts what is missing, in the background: after a worker was taken, and once dispatch is open again. */
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
    const { size, gate, health, logger } = this.#deps;
    while (this.#ready.length < size && gate.fault === null && !this.#stop.signal.aborted) {
      try {
        await this.#boot();
        this.#backoff.reset();
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        logger.warn({ err: error }, 'warm worker start failed');
        await health.check();
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
      await this.#serves(worker);
      this.#ready.push(worker);
      void this.#replaceOnExit(worker);
    } catch (error) {
      if (worker) await this.#discard(worker);
      throw error;
    } finally {
      this.#booting = undefined;
    }
  }

  /** Resolves once the worker serves. Rejects where it exits first, or takes longer than `BOOT_MS`. */
  async #serves({ name, channel, ended }: Worker): Promise<void> {
    if (!channel) throw new Error(`The worker ${name} cannot be called.`);
    let gone = false;
    void ended.then(() => (gone = true));
    const until = performance.now() + BOOT_MS;
    for (;;) {
      try {
        await readHealth(channel);
        return;
      } catch (error) {
        const booting = error instanceof WorkerUnreachable && error.unreached && !gone && performance.now() < until;
        if (!booting) throw gone ? new Error(`The worker ${name} exited before it served.`) : error;
      }
      await delay(BOOT_POLL_MS, undefined, { signal: this.#stop.signal });
    }
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
