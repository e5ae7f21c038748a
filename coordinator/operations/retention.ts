import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { LIMITS } from '../../protocol/limits.ts';
import type { Config } from '../base/config.ts';
import { folderSize } from '../base/folder-size.ts';
import type { WorkerDirectories } from '../workers/worker-directories.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import type { Logger } from '../base/logger.ts';
import type { Deletion } from './deletion.ts';
import { usedBytes } from '../sqlite/database.ts';
import { findSeenAt, putSeenAt } from '../sqlite/clock.ts';
import { pruneRemembered } from '../sqlite/idempotency.ts';
import { pruneRefreshTokens } from '../sqlite/refresh-tokens.ts';
import { listEndedFirst, markEndedBefore, markRemoved, REMOVED_ROWS_MAX } from '../sqlite/removed.ts';
import { findTask } from '../sqlite/tasks.ts';
import { giveUpWorkspace, listEndedWorkspaces } from '../sqlite/workspaces.ts';

const EVERY_MS = 10 * 60_000;
const STOP_MS = 5_000;
const DAY_MS = 24 * 3600_000;
/** A clock that is further ahead than this since the last look is in doubt, for so long. */
const CLOCK_JUMP_MS = 30 * DAY_MS;
const DOUBT_MS = DAY_MS;
/** How long it may take to measure a workspace. */
const MEASURE_MS = 60_000;

export type RetentionDeps = {
  log: EventLog;
  folders: WorkerDirectories;
  removal: Deletion;
  logger: Logger;
  keep: Pick<Config, 'keep_ms' | 'keep_log_bytes' | 'keep_workspaces_ms' | 'keep_workspaces_bytes'>;
  /** Whether the worker of an attempt of this task has not gone yet. */
  hasRun: (task_id: string) => boolean;
  /** Whether the disk of the data folder has too little room, at this moment: it is asked again after each workspace that went. */
  isDiskShort: () => boolean | Promise<boolean>;
};

type Workspace = ReturnType<typeof listEndedWorkspaces>[number];

/**
 * Keeps what errands leave within the server's limits, by age and by size. A task goes whole, with its log, or stays whole; only one that has ended
 * goes, and the one that ended longest ago goes first. It looks at the start, and then every ten minutes.
 */
export class Retention {
  readonly #deps: RetentionDeps;
  readonly #stop = new AbortController();
  /** What the workspaces take up, in bytes: measured once after each end of their task. */
  #sizes = new Map<string, { ended_at: string; bytes: number }>();
  #in_doubt_since: number | undefined;
  #looking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: RetentionDeps) {
    this.#deps = deps;
  }

  /** Looks now, and from now on regularly. */
  start(): void {
    void this.look();
    this.#timer = setInterval(() => void this.look(), EVERY_MS).unref();
  }

  /** Removes what is beyond the limits. Resolves when that is done; a look that is under way is shared. Never rejects. */
  look(): Promise<void> {
    return (this.#looking ??= this.#look().finally(() => (this.#looking = undefined)));
  }

  /** Begins nothing more. Resolves when nothing of it is under way, or takes too long: what is left is found at the next start. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort();
    const bound = new AbortController();
    await Promise.race([this.#looking, delay(STOP_MS, undefined, { signal: bound.signal })]);
    bound.abort();
  }

  async #look(): Promise<void> {
    // What an earlier process has marked, or this one could not remove.
    void this.#deps.removal.sweep();
    const by_age = this.#mayGoByAge();
    await this.#attempt('workspaces', () => this.#thinWorkspaces(by_age));
    if (by_age) await this.#attempt('tasks', () => this.#removeOld());
    await this.#attempt('the log', () => this.#shrinkLog());
    await this.#attempt('answers and log-ins', async () => this.#forget());
  }

  async #attempt(what: string, work: () => Promise<void>): Promise<void> {
    if (this.#stop.signal.aborted) return;
    try {
      await work();
    } catch (error) {
      if (!this.#stop.signal.aborted)
        this.#deps.logger.warn({ err: error, what }, 'what is kept could not be brought within its limits');
    }
  }

  /** Gives workspaces up: first those that are too old, or any while the disk is short, then those that are too much together. */
  async #thinWorkspaces(by_age: boolean): Promise<void> {
    const { log, keep, hasRun, isDiskShort } = this.#deps;
    const before = by_age ? ago(keep.keep_workspaces_ms) : '';
    const workspaces = listEndedWorkspaces(log.db).filter(({ task_id }) => !hasRun(task_id));
    while (workspaces[0] && (workspaces[0].ended_at < before || (await isDiskShort()))) {
      await this.#giveUp(workspaces[0]);
      workspaces.shift();
    }
    await this.#measure(workspaces);
    let bytes_left = keep.keep_workspaces_bytes;
    // What does not fit beside those that ended later has to go.
    for (const workspace of workspaces.toReversed()) {
      const bytes = this.#sizes.get(workspace.workspace)?.bytes ?? 0;
      if (bytes > bytes_left) await this.#giveUp(workspace);
      else bytes_left -= bytes;
    }
  }

  /** The folder goes before its name: on a full disk nothing can be written until it has. */
  async #giveUp({ task_id, workspace }: Workspace): Promise<void> {
    const { log, folders, logger, hasRun } = this.#deps;
    this.#stop.signal.throwIfAborted();
    // Between this and the new name lies no turn in which an attempt could begin.
    const task = findTask(log.db, task_id);
    if (task?.workspace !== workspace || task.ended_at === null || hasRun(task_id)) return;
    try {
      const aside = folders.setWorkspaceAside(workspace);
      if (aside !== undefined) await folders.removeWorkspace(aside);
      log.write(({ db }) => giveUpWorkspace(db, task_id, workspace));
      logger.info({ task_id, workspace }, 'the workspace of a task that has ended was removed');
    } catch (error) {
      // The others must not wait for it. What is left is found by the reconciler, or in the next look.
      logger.warn({ err: error, task_id, workspace }, 'a workspace could not be removed');
    }
  }

  /** One at a time, and never one with a worker: its size is not to be had before that has gone. */
  async #measure(workspaces: Workspace[]): Promise<void> {
    const { folders, logger, hasRun } = this.#deps;
    const before = this.#sizes;
    this.#sizes = new Map();
    for (const { task_id, workspace, ended_at } of workspaces) {
      const known = before.get(workspace);
      if (known?.ended_at === ended_at) this.#sizes.set(workspace, known);
      else if (!hasRun(task_id)) {
        const within = { within_ms: MEASURE_MS, signal: this.#stop.signal };
        const bytes = await folderSize('bytes', [folders.workspace(workspace)], within).catch((error: unknown) => {
          logger.warn({ err: error, task_id, workspace }, 'a workspace could not be measured');
          return undefined;
        });
        if (bytes === undefined) continue;
        // A worker can make a folder that takes hours to count: one that is not counted in time is too large.
        if (bytes === Infinity) logger.warn({ task_id, workspace }, 'a workspace could not be measured in time');
        this.#sizes.set(workspace, { ended_at, bytes });
      }
    }
  }

  async #removeOld(): Promise<void> {
    const { log, keep, logger } = this.#deps;
    const before = ago(keep.keep_ms);
    let [tasks, marked] = [0, 0];
    do {
      await nextTurn();
      this.#stop.signal.throwIfAborted();
      marked = log.write(({ db }) => markEndedBefore(db, before));
      tasks += marked;
    } while (marked === REMOVED_ROWS_MAX);
    if (tasks > 0) logger.info({ tasks, before }, 'tasks that ended long ago are removed');
  }

  /**
   * A clock that was set on by a year would let everything go. Where it is a month further than at the last look, nothing goes by age for a day: that
   * is time to put it right, and a server that was merely off for so long loses nothing by it.
   */
  #mayGoByAge(): boolean {
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
  async #shrinkLog(): Promise<void> {
    const { log, keep, removal, hasRun, logger } = this.#deps;
    let tasks = 0;
    while ((await removal.sweep()) && usedBytes(log.db) > keep.keep_log_bytes) {
      this.#stop.signal.throwIfAborted();
      const id = listEndedFirst(log.db).find((task_id) => !hasRun(task_id));
      if (id === undefined) {
        logger.warn(
          { bytes: usedBytes(log.db), bytes_max: keep.keep_log_bytes },
          'the database is larger than it may be, and no task that has ended is left to remove',
        );
        break;
      }
      log.write(({ db }) => markRemoved(db, 'task', id));
      tasks += 1;
    }
    if (tasks > 0) logger.info({ tasks }, 'tasks that ended longest ago are removed to make room in the database');
  }

  /** What is forgotten with each use is forgotten where nothing is used, too. */
  #forget(): void {
    this.#deps.log.write(({ db }) => {
      pruneRemembered(db, ago(LIMITS.idempotency_key_s * 1000));
      pruneRefreshTokens(db, ago(0));
    });
  }
}

function ago(ms: number): string {
  return new Date(Date.now() - ms).toISOString();
}
