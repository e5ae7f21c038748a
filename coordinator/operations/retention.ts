import { setImmediate as nextTurn } from 'node:timers/promises';
import { LIMITS } from '../../protocol/limits.ts';
import type { Config } from '../base/config.ts';
import { folderSize } from '../base/folder-size.ts';
import { Periodic } from '../base/periodic.ts';
import type { Attempts } from '../workers/attempts.ts';
import type { Workspaces } from '../workers/workspaces.ts';
import type { DiskSpace } from './disk-space.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import type { Logger } from '../base/logger.ts';
import type { Deletion } from './deletion.ts';
import { usedBytes } from '../sqlite/stats.ts';
import { findSeenAt, putSeenAt } from '../sqlite/meta.ts';
import { pruneStoredResponses } from '../sqlite/idempotency.ts';
import { pruneRefreshTokens } from '../sqlite/refresh-tokens.ts';
import { listEndedFirst, markEndedBefore, markRemoved, REMOVED_ROWS_MAX } from '../sqlite/removed.ts';
import { findTask } from '../sqlite/tasks.ts';
import { giveUpWorkspace, listEndedWorkspaces } from '../sqlite/workspaces.ts';

const EVERY_MS = 10 * 60_000;
const DAY_MS = 24 * 3600_000;
/** A clock that is further ahead than this since the last look is in doubt, for so long. */
const CLOCK_JUMP_MS = 30 * DAY_MS;
const DOUBT_MS = DAY_MS;
/** How long it may take to measure a workspace. */
const MEASURE_MS = 60_000;

export type RetentionDependencies = {
  log: EventLog;
  workspaces: Workspaces;
  deletion: Deletion;
  logger: Logger;
  keep: Pick<Config, 'keep_ms' | 'keep_log_bytes' | 'keep_workspaces_ms' | 'keep_workspaces_bytes'>;
  /** Nothing of a task is removed while a worker of it may be there. */
  attempts: Pick<Attempts, 'has'>;
  /** Asked again after each workspace that was removed. */
  disk: Pick<DiskSpace, 'isShort'>;
};

type Workspace = ReturnType<typeof listEndedWorkspaces>[number];

/**
 * Keeps what errands leave within the server's limits, by age and by size. A task goes whole, with its log, or stays whole; only one that has ended
 * goes, and the one that ended longest ago goes first. It looks at the start, and then every ten minutes.
 */
export class Retention {
  readonly #deps: RetentionDependencies;
  readonly #periodic: Periodic;
  /** What the workspaces take up, in bytes: measured once after each end of their task. */
  #sizes = new Map<string, { ended_at: string; bytes: number }>();
  #in_doubt_since: number | undefined;

  constructor(deps: RetentionDependencies) {
    this.#deps = deps;
    this.#periodic = new Periodic({
      every_ms: EVERY_MS,
      work: (signal) => this.#enforce(signal),
      onError: (error) => deps.logger.warn({ err: error }, 'retention failed'),
    });
  }

  /** Enforces the limits now, and then regularly. */
  start(): void {
    void this.#periodic.start();
  }

  /** Removes what is beyond the limits. Resolves when that is done; shares a run that is under way. Never rejects. */
  enforce(): Promise<void> {
    return this.#periodic.run();
  }

  /** Resolves once nothing is under way, or after a while: the next start finds what is left. */
  stop(): Promise<void> {
    return this.#periodic.stop();
  }

  async #enforce(signal: AbortSignal): Promise<void> {
    // What an earlier process marked, or this one could not remove.
    void this.#deps.deletion.sweep();
    const by_age = this.#mayRemoveByAge();
    await this.#attempt('workspaces', signal, () => this.#thinWorkspaces(by_age, signal));
    if (by_age) await this.#attempt('tasks', signal, () => this.#removeOld(signal));
    await this.#attempt('log', signal, () => this.#shrinkLog(signal));
    await this.#attempt('idempotency keys and log-ins', signal, async () => this.#prune());
  }

  async #attempt(what: string, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    if (signal.aborted) return;
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) this.#deps.logger.warn({ err: error, what }, 'retention failed');
    }
  }

  /** Gives workspaces up: first those that are too old, or any while the disk is short, then those that are too much together. */
  async #thinWorkspaces(by_age: boolean, signal: AbortSignal): Promise<void> {
    const { log, keep, attempts, disk } = this.#deps;
    const before = by_age ? ago(keep.keep_workspaces_ms) : '';
    const workspaces = listEndedWorkspaces(log.db).filter(({ task_id }) => !attempts.has(task_id));
    while (workspaces[0] && (workspaces[0].ended_at < before || (await disk.isShort()))) {
      await this.#remove(workspaces[0], signal);
      workspaces.shift();
    }
    await this.#measure(workspaces, signal);
    let bytes_left = keep.keep_workspaces_bytes;
    // What does not fit beside those that ended later has to go.
    for (const workspace of workspaces.toReversed()) {
      const bytes = this.#sizes.get(workspace.workspace)?.bytes ?? 0;
      if (bytes > bytes_left) await this.#remove(workspace, signal);
      else bytes_left -= bytes;
    }
  }

  /** The folder goes before its name: on a full disk nothing can be written until it has. */
  async #remove({ task_id, workspace }: Workspace, signal: AbortSignal): Promise<void> {
    const { log, workspaces, logger, attempts } = this.#deps;
    signal.throwIfAborted();
    // Between this and the new name lies no turn in which an attempt could begin.
    const task = findTask(log.db, task_id);
    if (task?.workspace !== workspace || task.ended_at === null || attempts.has(task_id)) return;
    try {
      const aside = workspaces.setAside(workspace);
      if (aside !== undefined) await workspaces.remove(aside);
      log.write(({ db }) => giveUpWorkspace(db, task_id, workspace));
      logger.info({ task_id, workspace }, 'workspace of an ended task removed');
    } catch (error) {
      // The others must not wait for it. What is left is found by the reconciler, or in the next look.
      logger.warn({ err: error, task_id, workspace }, 'workspace removal failed');
    }
  }

  /** One at a time, and never one with a worker: its size is not to be had before that has gone. */
  async #measure(ended: Workspace[], signal: AbortSignal): Promise<void> {
    const { workspaces, logger, attempts } = this.#deps;
    const before = this.#sizes;
    this.#sizes = new Map();
    for (const { task_id, workspace, ended_at } of ended) {
      const known = before.get(workspace);
      if (known?.ended_at === ended_at) this.#sizes.set(workspace, known);
      else if (!attempts.has(task_id)) {
        const within = { within_ms: MEASURE_MS, signal };
        const bytes = await folderSize('bytes', [workspaces.path(workspace)], within).catch((error: unknown) => {
          logger.warn({ err: error, task_id, workspace }, 'workspace measurement failed');
          return undefined;
        });
        if (bytes === undefined) continue;
        // A worker can make a folder that takes hours to count: one that is not counted in time is too large.
        if (bytes === Infinity) logger.warn({ task_id, workspace }, 'workspace measurement timed out');
        this.#sizes.set(workspace, { ended_at, bytes });
      }
    }
  }

  async #removeOld(signal: AbortSignal): Promise<void> {
    const { log, keep, logger } = this.#deps;
    const before = ago(keep.keep_ms);
    let [tasks, marked] = [0, 0];
    do {
      await nextTurn();
      signal.throwIfAborted();
      marked = log.write(({ db }) => markEndedBefore(db, before));
      tasks += marked;
    } while (marked === REMOVED_ROWS_MAX);
    if (tasks > 0) logger.info({ tasks, before }, 'old tasks removed');
  }

  /**
   * A clock that was set on by a year would let everything go. Where it is a month further than at the last look, nothing goes by age for a day: that
   * is time to put it right, and a server that was merely off for so long loses nothing by it.
   */
  #mayRemoveByAge(): boolean {
    const { log, logger } = this.#deps;
    const seen_at = findSeenAt(log.db);
    const ahead_ms = seen_at === undefined ? 0 : Date.now() - Date.parse(seen_at);
    if (ahead_ms > CLOCK_JUMP_MS) {
      if (this.#in_doubt_since === undefined)
        logger.warn(
          { seen_at },
          'the clock is far ahead of the last time seen: is it right? Nothing is removed by its age for a day',
        );
      this.#in_doubt_since ??= performance.now();
      if (performance.now() - this.#in_doubt_since < DOUBT_MS) return false;
    }
    this.#in_doubt_since = undefined;
    try {
      log.write(({ db }) => putSeenAt(db, new Date().toISOString()));
    } catch (error) {
      logger.warn({ err: error }, 'the time could not be noted');
    }
    return true;
  }

  /** One task after the other, since what each has freed is known once it has gone. */
  async #shrinkLog(signal: AbortSignal): Promise<void> {
    const { log, keep, deletion, attempts, logger } = this.#deps;
    let tasks = 0;
    while ((await deletion.sweep()) && usedBytes(log.db) > keep.keep_log_bytes) {
      signal.throwIfAborted();
      const id = listEndedFirst(log.db).find((task_id) => !attempts.has(task_id));
      if (id === undefined) {
        logger.warn(
          { bytes: usedBytes(log.db), bytes_max: keep.keep_log_bytes },
          'database over its limit, and no ended task left to remove',
        );
        break;
      }
      log.write(({ db }) => markRemoved(db, 'task', id));
      tasks += 1;
    }
    if (tasks > 0) logger.info({ tasks }, 'old tasks removed to make room in the database');
  }

  /** What is forgotten with each use is forgotten where nothing is used, too. */
  #prune(): void {
    this.#deps.log.write(({ db }) => {
      pruneStoredResponses(db, ago(LIMITS.idempotency_key_s * 1000));
      pruneRefreshTokens(db, ago(0));
    });
  }
}

function ago(ms: number): string {
  return new Date(Date.now() - ms).toISOString();
}
