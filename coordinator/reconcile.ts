import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Log } from './log.ts';
import { listLivingAttempts } from './sqlite/attempts.ts';
import { isWorkspace } from './sqlite/workspaces.ts';
import type { AttemptRow } from './task.ts';
import type { Workers } from './workers.ts';

const EVERY_MS = 30_000;

export type ReconcilerDeps = {
  log: Log;
  workers: Workers;
  logger: Logger;
  /** Whether an attempt of this task is watched by this process. */
  hasRun: (task_id: string) => boolean;
  /** Whether a worker of this name is at work, or waits in the pool. */
  hasWorker: (name: string) => boolean;
  /** Watches a living attempt from now on; where its worker has gone, that ends it. */
  takeUp: (attempt: AttemptRow) => void;
};

/**
 * Compares the rows with what runs: living attempts that nobody watches are taken up, workers of no living attempt are removed, and so are
 * folders of nothing. At the start, for what an earlier process left; then every half minute, for what went wrong meanwhile.
 */
export class Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #stop = new AbortController();
  #work: Promise<void> = Promise.resolve();

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
  }

  /** Takes up the living attempts at once; the rest goes on in the background. */
  start(): void {
    this.#takeUpLiving();
    this.#work = this.#keepOn();
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Resolves when nothing of it is under way any more. */
  idle(): Promise<void> {
    return this.#work;
  }

  async #keepOn(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#attempt('workers', () => this.#removeOrphans());
      await this.#attempt('folders', () => this.#removeFolders());
      await delay(EVERY_MS, undefined, { signal: this.#stop.signal, ref: false }).catch(() => undefined);
      if (!this.#stop.signal.aborted) await this.#attempt('attempts', async () => this.#takeUpLiving());
    }
  }

  async #attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#deps.logger.warn({ err: error, what }, 'what runs could not be compared with what should');
    }
  }

  #takeUpLiving(): void {
    for (const attempt of listLivingAttempts(this.#deps.log.db)) {
      if (this.#deps.hasRun(attempt.task_id)) continue;
      this.#deps.logger.info(
        { task_id: attempt.task_id, attempt: attempt.n, worker: attempt.worker },
        'an attempt is taken up',
      );
      this.#deps.takeUp(attempt);
    }
  }

  /** Removes the workers, and the links, that nobody here knows. One that is started meanwhile is known before it is there. */
  async #removeOrphans(): Promise<void> {
    const { workers, logger, hasWorker } = this.#deps;
    for (const name of await workers.runner.list()) {
      if (hasWorker(name) || this.#stop.signal.aborted) continue;
      logger.info({ worker: name }, 'a worker of no attempt is removed');
      await workers.runner.remove(name);
    }
    for (const name of workers.folders.listLinks())
      if (!hasWorker(name) && !this.#stop.signal.aborted) await workers.folders.removeLink(name);
  }

  /** Removes the folders that are no task's and no warm worker's. */
  async #removeFolders(): Promise<void> {
    const { log, workers, hasWorker } = this.#deps;
    for (const name of workers.folders.listWorkspaces())
      if (!hasWorker(name) && !isWorkspace(log.db, name) && !this.#stop.signal.aborted)
        await workers.folders.removeWorkspace(name);
  }
}
