import { setImmediate as nextTurn } from 'node:timers/promises';
import { within } from '../base/deadline.ts';
import type { Attempts } from '../workers/attempts.ts';
import type { Workspaces } from '../workers/workspaces.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import type { Logger } from '../base/logger.ts';
import {
  deleteProject,
  deleteSomeOfTask,
  deleteSomeOfUser,
  deleteTask,
  listRemoved,
  markSomeOfUser,
} from '../sqlite/removed.ts';

/** Wait before the next sweep for tasks that still have a worker. */
const WORKER_WAIT_MS = 2_000;
/** Wait before the next sweep after an error, such as a full disk. */
const RETRY_MS = 60_000;
const STOP_MS = 5_000;

export type DeletionDependencies = {
  log: EventLog;
  workspaces: Workspaces;
  logger: Logger;
  /** A task is not removed while it may have a worker. */
  attempts: Pick<Attempts, 'has'>;
  /** Removes what else a task has on this machine. */
  removeFiles: (task_id: string) => Promise<void>;
};

/**
 * Deletes what was marked as removed: tasks with their logs and workspaces, projects, users. It uses small
 * transactions, one per turn of the event loop, so that requests are served in between. It keeps no state in memory:
 * after a crash the rows are still marked, and the next process continues.
 */
export class Deletion {
  readonly #deps: DeletionDependencies;
  #sweeping: Promise<boolean> | undefined;
  #next_sweep: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(deps: DeletionDependencies) {
    this.#deps = deps;
    deps.log.subscribeToNotice('removed', () => void this.sweep());
  }

  /**
   * Deletes all that is marked, including what is marked meanwhile. Resolves with true when only tasks with a worker
   * are left, with false after an error or a stop. It schedules its own retries. Never rejects.
   */
  sweep(): Promise<boolean> {
    return (this.#sweeping ??= this.#sweep());
  }

  /** Stops. Resolves when the current step is done, or after a timeout: the next start finishes a large folder. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#next_sweep);
    if (this.#sweeping) await within(STOP_MS, this.#sweeping);
  }

  async #sweep(): Promise<boolean> {
    clearTimeout(this.#next_sweep);
    let left = true;
    let done = false;
    try {
      do await nextTurn();
      while (!this.#stopped && (await this.#step()));
      done = !this.#stopped;
      left = done && this.#isLeft();
    } catch (error) {
      this.#deps.logger.warn({ err: error }, 'deletion failed; retrying');
    }
    // In the same turn as the last query: whatever is marked from now on starts a new sweep.
    this.#sweeping = undefined;
    if (left && !this.#stopped)
      this.#next_sweep = setTimeout(() => void this.sweep(), done ? WORKER_WAIT_MS : RETRY_MS).unref();
    return done;
  }

  /** Runs one small transaction. False: nothing is left that can be deleted now. */
  async #step(): Promise<boolean> {
    const { log, attempts } = this.#deps;
    const task_id = listRemoved(log.db, 'task').find((id) => !attempts.has(id));
    if (task_id !== undefined) {
      await this.#removeOfTask(task_id);
      return true;
    }
    return log.write(
      ({ db }) =>
        listRemoved(db, 'project').some((id) => deleteProject(db, id)) ||
        listRemoved(db, 'user').some((id) => markSomeOfUser(db, id) > 0 || deleteSomeOfUser(db, id)),
    );
  }

  async #removeOfTask(id: string): Promise<void> {
    const { log, workspaces, removeFiles, logger } = this.#deps;
    // First: once the row is gone, nothing says whose they are.
    await removeFiles(id);
    const workspace = log.write(({ db }) => (deleteSomeOfTask(db, id) ? deleteTask(db, id) : null));
    if (workspace === null) return;
    // The folder goes last: after a crash here the reconciler finds it as an orphan.
    await workspaces.remove(workspace).catch((error: unknown) => {
      logger.warn({ err: error, task_id: id, workspace }, 'workspace removal failed');
    });
  }

  #isLeft(): boolean {
    const { db } = this.#deps.log;
    return (['task', 'project', 'user'] as const).some((kind) => listRemoved(db, kind).length > 0);
  }
}
