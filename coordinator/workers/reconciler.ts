import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { EventLog } from '../sqlite/event-log.ts';
import { listEndedAttemptsOf, listLivingAttempts } from '../sqlite/attempts.ts';
import { isWorkspace } from '../sqlite/workspaces.ts';
import type { AttemptRow } from '../domain/task.ts';
import type { Workers } from './workers.ts';

const EVERY_MS = 30_000;

export type ReconcilerDeps = {
  log: EventLog;
  workers: Workers;
  logger: Logger;
  /** Whether an attempt of this task is watched by this process. */
  hasRun: (task_id: string) => boolean;
  /** Whether a worker of this name is at work, or waits in the pool. */
  hasWorker: (name: string) => boolean;
  /** Whether a worker at work has this workspace. */
  hasWorkspace: (name: string) => boolean;
  /** Watches a living attempt from now on; where its worker has gone, that ends it. */
  takeUp: (attempt: AttemptRow) => void;
  /** Clears away what is left of the worker of an attempt that has ended. */
  clearAway: (attempt: AttemptRow) => void;
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

  /** Takes up the living attempts at once, and those whose worker an earlier process had not cleared away; the rest goes on in the background. */
  start(): void {
    this.#takeUpLiving();
    this.#takeUpLeft();
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

  /** A worker's link goes last: where there is one, the worker may be there. Its task must not have another before it has gone. */
  #takeUpLeft(): void {
    const { log, workers, hasRun, logger, clearAway } = this.#deps;
    for (const attempt of listEndedAttemptsOf(log.db, workers.folders.listLinks())) {
      if (hasRun(attempt.task_id)) continue;
      const { task_id, n, worker } = attempt;
      logger.info({ task_id, attempt: n, worker }, 'the worker of an attempt that has ended is cleared away');
      clearAway(attempt);
    }
  }

  /** Removes the workers, and the links, that nobody here knows. One that is started meanwhile is known before it is there. */
  async #removeOrphans(): Promise<void> {
    const { workers, logger, hasWorker } = this.#deps;
    await this.#eachOf(await workers.runner.list(), hasWorker, async (name) => {
      logger.info({ worker: name }, 'a worker of no attempt is removed');
      await workers.runner.remove(name);
    });
    await this.#eachOf(workers.folders.listLinks(), hasWorker, (name) => workers.folders.removeLink(name));
  }

  /** Removes the folders that are no task's, and no worker's. */
  async #removeFolders(): Promise<void> {
    const { log, workers, hasWorkspace } = this.#deps;
    const isUsed = (name: string) => hasWorkspace(name) || isWorkspace(log.db, name);
    await this.#eachOf(workers.folders.listWorkspaces(), isUsed, (name) => workers.folders.removeWorkspace(name));
  }

  /** Removes all that is not used. What cannot be removed holds up nothing else, and is tried again the next time. */
  async #eachOf(names: string[], isUsed: (name: string) => boolean, remove: (name: string) => Promise<void>) {
    for (const name of names) {
      if (this.#stop.signal.aborted) return;
      if (!isUsed(name)) await this.#attempt(name, () => remove(name));
    }
  }
}
