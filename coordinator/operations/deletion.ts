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

/** When it is looked again for what could not be removed: its worker had not gone yet. */
const LOOK_AGAIN_MS = 2_000;
/** The same where it failed: the disk was full. */
const TRY_AGAIN_MS = 60_000;
const STOP_MS = 5_000;

export type DeletionDependencies = {
  log: EventLog;
  workspaces: Workspaces;
  logger: Logger;
  /** Nothing of a task is removed while a worker of it may be there. */
  attempts: Pick<Attempts, 'has'>;
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
    deps.log.subscribeToNotice('removed', () => void this.sweep());
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
    if (this.#sweeping) await within(STOP_MS, this.#sweeping);
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
      this.#deps.logger.warn({ err: error }, 'deletion failed; retrying');
    }
    // In the same turn as the last look: what is marked from here on finds no sweep under way, and begins another.
    this.#sweeping = undefined;
    if (left && !this.#stopped)
      this.#again = setTimeout(() => void this.sweep(), done ? LOOK_AGAIN_MS : TRY_AGAIN_MS).unref();
    return done;
  }

  /** One small transaction. False: nothing is left that can be removed now. */
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
    const { log, workspaces, logger } = this.#deps;
    const workspace = log.write(({ db }) => (deleteSomeOfTask(db, id) ? deleteTask(db, id) : null));
    if (workspace === null) return;
    // The folder comes last: one that is no task's any more is found by the reconciler.
    await workspaces.remove(workspace).catch((error: unknown) => {
      logger.warn({ err: error, task_id: id, workspace }, 'workspace removal failed');
    });
  }

  #isLeft(): boolean {
    const { db } = this.#deps.log;
    return (['task', 'project', 'user'] as const).some((kind) => listRemoved(db, kind).length > 0);
  }
}
