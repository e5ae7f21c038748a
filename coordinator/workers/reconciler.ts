import type { Logger } from '../base/logger.ts';
import { Periodic } from '../base/periodic.ts';
import { listEndedAttemptsOf, listActiveAttempts } from '../sqlite/attempts.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import { isWorkspace } from '../sqlite/workspaces.ts';
import type { DispatchGate } from '../tasks/dispatch-gate.ts';
import type { Attempts } from './attempts.ts';
import { failureLevel } from './failure-level.ts';
import type { WarmPool } from './warm-pool.ts';
import type { Workers } from './workers.ts';
import type { Workspaces } from './workspaces.ts';

const EVERY_MS = 30_000;
/** How long `stop` waits for a removal. */
const STOP_MS = 8_000;

export type ReconcilerDependencies = {
  log: EventLog;
  workers: Workers;
  workspaces: Workspaces;
  attempts: Attempts;
  pool: WarmPool;
  gate: DispatchGate;
  logger: Logger;
};

/**
 * Compares the database with the workers that exist: adopts active attempts that nobody watches, and removes orphaned
 * workers and workspaces. It does so at the start, for those of an earlier process, and then regularly.
 */
export class Reconciler {
  readonly #deps: ReconcilerDependencies;
  readonly #periodic: Periodic;

  constructor(deps: ReconcilerDependencies) {
    this.#deps = deps;
    this.#periodic = new Periodic({
      every_ms: EVERY_MS,
      work: (signal) => this.#reconcile(signal),
      onError: (error) => this.#failed('attempts', error),
    });
  }

  /** Adopts attempts before it returns. The removals continue in the background. */
  start(): void {
    this.#adoptActive();
    this.#cleanUpEnded();
    void this.#periodic.start();
  }

  stop(): Promise<void> {
    return this.#periodic.stop(STOP_MS);
  }

  async #reconcile(signal: AbortSignal): Promise<void> {
    this.#adoptActive();
    await this.#attempt('workers', () => this.#removeOrphans(signal));
    await this.#attempt('workspaces', () => this.#removeWorkspaces(signal));
  }

  async #attempt(what: string, work: () => Promise<void>): Promise<void> {
    await work().catch((error: unknown) => this.#failed(what, error));
  }

  #failed(what: string, error: unknown): void {
    const { workers, gate, logger } = this.#deps;
    logger[failureLevel(gate, 'warn')]({ err: error, runner: workers.runner.name, what }, 'reconciliation failed');
  }

  #adoptActive(): void {
    const { log, attempts, logger } = this.#deps;
    for (const attempt of listActiveAttempts(log.db)) {
      const { task_id, n, worker } = attempt;
      if (attempts.has(task_id)) continue;
      logger.info({ task_id, attempt: n, worker }, 'adopting an attempt');
      attempts.adopt(attempt);
    }
  }

  /**
   * Removes workers of ended attempts that an earlier process did not remove. Their tasks get no other worker before.
   */
  #cleanUpEnded(): void {
    const { log, workers, attempts, logger } = this.#deps;
    for (const attempt of listEndedAttemptsOf(log.db, workers.runner.listLocal())) {
      const { task_id, n, worker } = attempt;
      if (attempts.has(task_id)) continue;
      logger.info({ task_id, attempt: n, worker }, 'removing the worker of an ended attempt');
      attempts.cleanUp(attempt);
    }
  }

  /** Removes workers that belong to no attempt. A worker that is being started is known before it exists. */
  async #removeOrphans(signal: AbortSignal): Promise<void> {
    const { workers, attempts, pool, logger } = this.#deps;
    const isUsed = (name: string) => pool.has(name) || attempts.hasWorker(name);
    await this.#removeUnused(await workers.runner.list(), { isUsed, signal }, async (name) => {
      logger.info({ worker: name }, 'removing an orphaned worker');
      await workers.runner.remove(name);
    });
  }

  /** Removes workspaces that belong to no task and no worker. */
  async #removeWorkspaces(signal: AbortSignal): Promise<void> {
    const { log, workspaces, attempts, pool } = this.#deps;
    const isUsed = (name: string) => pool.has(name) || attempts.hasWorkspace(name) || isWorkspace(log.db, name);
    await this.#removeUnused(workspaces.list(), { isUsed, signal }, (name) => workspaces.remove(name));
  }

  /** A failed removal does not block the others. It is retried in the next run. */
  async #removeUnused(
    names: string[],
    { isUsed, signal }: { isUsed: (name: string) => boolean; signal: AbortSignal },
    remove: (name: string) => Promise<void>,
  ): Promise<void> {
    for (const name of names) {
      if (signal.aborted) return;
      if (!isUsed(name)) await this.#attempt(name, () => remove(name));
    }
  }
}
