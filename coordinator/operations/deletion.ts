import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { WorkerDirectories } from '../workers/worker-directories.ts';
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

/** When it is looked again for what could not be removed: its worker had not gone yet. */
const LOOK_AGAIN_MS = 2_000;
/** The same where it failed: the disk was full. */
const TRY_AGAIN_MS = 60_000;
const STOP_MS = 5_000;

export type DeletionDependencies = {
  log: EventLog;
  folders: WorkerDirectories;
  logger: Logger;
  /** Whether the worker of an attempt of this task has not gone yet: what it holds stays until then. */
  hasRun: (task_id: string) => boolean;
};

/**
 * Clears away what was marked as removed: tasks with their logs and workspaces, projects, users. In small transactions, with a turn of the event
 * loop between, so that callbacks and people are answered meanwhile. It keeps nothing in memory: what a process that died has left is
 * still marked, and the next one goes on with it.
 */
export class Deletion {
  readonly #deps: DeletionDependencies;
  #sweeping: Promise<boolean> | undefined;
  #again: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(deps: DeletionDependencies) {
    this.#deps = deps;
  }

  /**
   * Removes all that is marked, also what is marked meanwhile. Resolves when nothing of it is left but what has to wait for a worker to go; false:
   * it could not be done now. What is left is tried again by itself. Never rejects.
   */
  sweep(): Promise<boolean> {
    return (this.#sweeping ??= this.#sweep());
  }

  /** Begins nothing more. Resolves when nothing of it is under way, or takes too long: a large folder is left to the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#again);
    const bound = new AbortController();
    await Promise.race([this.#sweeping, delay(STOP_MS, undefined, { signal: bound.signal })]);
    bound.abort();
  }

  async #sweep(): Promise<boolean> {
    clearTimeout(this.#again);
    let left = true;
    let done = false;
    try {
      do await nextTurn();
      while (!this.#stopped && (await this.#step()));
      done = !this.#stopped;
      left = done && this.#isLeft();
    } catch (error) {
      this.#deps.logger.warn({ err: error }, 'what was deleted could not be cleared away; it is tried again');
    }
    // In the same turn as the last look: what is marked from here on finds no sweep under way, and begins another.
    this.#sweeping = undefined;
    if (left && !this.#stopped)
      this.#again = setTimeout(() => void this.sweep(), done ? LOOK_AGAIN_MS : TRY_AGAIN_MS).unref();
    return done;
  }

  /** One small transaction. False: nothing is left that can be removed now. */
  async #step(): Promise<boolean> {
    const { log, hasRun } = this.#deps;
    const task_id = listRemoved(log.db, 'task').find((id) => !hasRun(id));
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
    const { log, folders, logger } = this.#deps;
    const workspace = log.write(({ db }) => (deleteSomeOfTask(db, id) ? deleteTask(db, id) : null));
    if (workspace === null) return;
    // The folder comes last: one that is no task's any more is found by the reconciler.
    await folders.removeWorkspace(workspace).catch((error: unknown) => {
      logger.warn({ err: error, task_id: id, workspace }, 'the workspace of a removed task could not be removed');
    });
  }

  #isLeft(): boolean {
    const { db } = this.#deps.log;
    return (['task', 'project', 'user'] as const).some((kind) => listRemoved(db, kind).length > 0);
  }
}
