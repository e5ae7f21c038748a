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
import { shrinkLog } from './shrink-log.ts';
import { findSeenAt, putSeenAt } from '../sqlite/meta.ts';
import { pruneLargeResponses, pruneStoredResponses } from '../sqlite/idempotency.ts';
import { pruneRefreshTokens } from '../sqlite/refresh-tokens.ts';
import { markEndedBefore, type EndPosition } from '../sqlite/removed.ts';
import { findTask, hasWork } from '../sqlite/tasks.ts';
import { giveUpWorkspace, listEndedWorkspaces, type EndedWorkspace } from '../sqlite/workspaces.ts';

const EVERY_MS = 10 * 60_000;
/** The start is over by then. A write waits for the disk, which is busy with the reserve that was just made. */
const FIRST_MS = 10_000;
const DAY_MS = 24 * 3600_000;
/** A clock that jumped ahead by more than this is not trusted for `CLOCK_DOUBT_MS`. */
const CLOCK_JUMP_MS = 30 * DAY_MS;
const CLOCK_DOUBT_MS = DAY_MS;
/** The timeout for measuring a workspace. */
const MEASURE_MS = 60_000;

/** The sample repositories that tasks have, by the ids of the tasks. */
export type Samples = {
  list: () => Promise<string[]>;
  path: (task_id: string) => string;
  /** Takes it from the task at once, if it has one, and resolves when it is deleted. */
  remove: (task_id: string) => Promise<void>;
};

/** The files of an ended task. Null: it has no workspace, but a sample repository. */
type EndedFiles = Omit<EndedWorkspace, 'workspace'> & { workspace: string | null };

export type RetentionDependencies = {
  log: EventLog;
  workspaces: Workspaces;
  /** The repositories of tasks that work on the sample. Each is kept as long as the workspace of its task. */
  samples: Samples;
  deletion: Deletion;
  logger: Logger;
  keep: Pick<Config, 'keep_ms' | 'keep_log_bytes' | 'keep_workspaces_ms' | 'keep_workspaces_bytes'>;
  /** A task is not removed while it may have a worker. */
  attempts: Pick<Attempts, 'has'>;
  /** Checked again after each workspace that is removed. */
  disk: Pick<DiskSpace, 'isShort'>;
};

/**
 * Enforces the server's limits on the age and size of ended tasks and their workspaces, soon after the start and then
 * every ten minutes. A task is removed together with its log; only ended tasks are removed.
 */
export class Retention {
  readonly #deps: RetentionDependencies;
  readonly #periodic: Periodic;
  #first: NodeJS.Timeout | undefined;
  /** The bytes of what each task keeps: measured once each time it has ended. */
  #sizes = new Map<string, { ended_at: string; bytes: number }>();
  /** Monotonic time at which a clock jump was detected. */
  #clock_doubted_at: number | undefined;

  constructor(deps: RetentionDependencies) {
    this.#deps = deps;
    this.#periodic = new Periodic({
      every_ms: EVERY_MS,
      work: (signal) => this.#enforce(signal),
      onError: (error) => deps.logger.warn({ err: error }, 'retention failed'),
    });
  }

  /** Enforces the limits soon, and then every ten minutes. */
  start(): void {
    this.#first = setTimeout(() => void this.#periodic.start(), FIRST_MS).unref();
  }

  /** Removes what exceeds the limits, or joins the run in progress. Never rejects. */
  enforce(): Promise<void> {
    return this.#periodic.run();
  }

  /** Resolves when the current run has ended, or after a timeout: the next start finishes the rest. */
  stop(): Promise<void> {
    clearTimeout(this.#first);
    return this.#periodic.stop();
  }

  async #enforce(signal: AbortSignal): Promise<void> {
    // For rows that an earlier process marked, or that could not be deleted so far.
    void this.#deps.deletion.sweep();
    const by_age = this.#mayRemoveByAge();
    await this.#attempt('workspaces', signal, () => this.#thinFiles(by_age, signal));
    if (by_age) await this.#attempt('tasks', signal, () => this.#removeOld(signal));
    await this.#attempt('log', signal, () => shrinkLog(this.#deps, signal));
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

  /**
   * Removes the files of ended tasks: those that are too old, then some while the disk is short, then by the total size
   * of one person's. Nobody loses files for what others do: while the disk is short, those give theirs whose errands
   * need the space.
   */
  async #thinFiles(by_age: boolean, signal: AbortSignal): Promise<void> {
    const { log, keep, attempts, disk } = this.#deps;
    const before = by_age ? ago(keep.keep_workspaces_ms) : '';
    const ended = (await this.#listEnded()).filter(({ task_id }) => !attempts.has(task_id));
    const kept: EndedFiles[] = [];
    for (const files of ended) {
      const goes = files.ended_at < before || (hasWork(log.db, files.user_id) && (await disk.isShort()));
      if (goes) await this.#remove(files, signal);
      else kept.push(files);
    }
    await this.#measure(kept, signal);
    const used = new Map<string, number>();
    // The newest come first: what does not fit beside the files of its person is removed.
    for (const files of kept.toReversed()) {
      const bytes = this.#sizes.get(files.task_id)?.bytes ?? 0;
      const total = (used.get(files.user_id) ?? 0) + bytes;
      if (total > keep.keep_workspaces_bytes) await this.#remove(files, signal);
      else used.set(files.user_id, total);
    }
  }

  /** The ended tasks that have a workspace, or else a sample repository; oldest end first. */
  async #listEnded(): Promise<EndedFiles[]> {
    const { log, samples } = this.#deps;
    const with_sample = await samples.list();
    const ended: EndedFiles[] = listEndedWorkspaces(log.db);
    for (const task_id of with_sample) {
      const task = findTask(log.db, task_id);
      if (task?.workspace !== null || task.ended_at === null) continue;
      ended.push({ task_id, user_id: task.user_id, workspace: null, ended_at: task.ended_at });
    }
    return ended.toSorted((a, b) => (a.ended_at < b.ended_at ? -1 : 1));
  }

  /** Removes the folders before the row is updated: on a full disk no write succeeds until then. */
  async #remove({ task_id, workspace }: EndedFiles, signal: AbortSignal): Promise<void> {
    const { log, workspaces, samples, logger, attempts } = this.#deps;
    signal.throwIfAborted();
    // No turn of the event loop passes between this check and the removal, so no attempt can start.
    const task = findTask(log.db, task_id);
    if (task?.workspace !== workspace || task.ended_at === null || attempts.has(task_id)) return;
    try {
      await Promise.all([samples.remove(task_id), workspace !== null && workspaces.remove(workspace)]);
      await workspaces.emptied();
      if (workspace !== null) log.write(({ db }) => giveUpWorkspace(db, task_id, workspace));
      logger.info({ task_id, workspace }, 'workspace of an ended task removed');
    } catch (error) {
      // Continue with the others. The reconciler or the next run finds what is left.
      logger.warn({ err: error, task_id, workspace }, 'workspace removal failed');
    }
  }

  /** Measures one task's files at a time, and none of a task that has a worker: their size still changes. */
  async #measure(ended: EndedFiles[], signal: AbortSignal): Promise<void> {
    const { workspaces, samples, logger, attempts } = this.#deps;
    const before = this.#sizes;
    this.#sizes = new Map();
    for (const { task_id, workspace, ended_at } of ended) {
      const known = before.get(task_id);
      if (known?.ended_at === ended_at) this.#sizes.set(task_id, known);
      else if (!attempts.has(task_id)) {
        const limits = { within_ms: MEASURE_MS, signal };
        const paths = [samples.path(task_id), ...(workspace === null ? [] : [workspaces.path(workspace)])];
        const bytes = await folderSize('bytes', paths, limits).catch((error: unknown) => {
          logger.warn({ err: error, task_id, workspace }, 'workspace measurement failed');
          return undefined;
        });
        if (bytes === undefined) continue;
        // A worker can create a folder that takes hours to count: a timeout counts as too large.
        if (bytes === Infinity) logger.warn({ task_id, workspace }, 'workspace measurement timed out');
        this.#sizes.set(task_id, { ended_at, bytes });
      }
    }
  }

  async #removeOld(signal: AbortSignal): Promise<void> {
    const { log, keep, logger } = this.#deps;
    const before = ago(keep.keep_ms);
    let tasks = 0;
    let next: EndPosition | undefined;
    do {
      await nextTurn();
      signal.throwIfAborted();
      const done = log.write((tx) => {
        const marked = markEndedBefore(tx.db, before, next);
        if (marked.marked > 0) tx.announce('removed');
        return marked;
      });
      tasks += done.marked;
      next = done.next;
    } while (next);
    if (tasks > 0) logger.info({ tasks, before }, 'tasks removed by age');
  }

  /**
   * Guards against a wrong clock: one that is a year ahead would remove everything. If the clock is more than a month
   * ahead of the last run, nothing is removed by age for a day. That is time to correct it, and harmless if the server
   * was only switched off for so long.
   */
  #mayRemoveByAge(): boolean {
    const { log, logger } = this.#deps;
    const seen_at = findSeenAt(log.db);
    const ahead_ms = seen_at === undefined ? 0 : Date.now() - Date.parse(seen_at);
    if (ahead_ms > CLOCK_JUMP_MS) {
      if (this.#clock_doubted_at === undefined)
        logger.warn({ seen_at, ahead_ms, paused_ms: CLOCK_DOUBT_MS }, 'clock jumped ahead; removal by age paused');
      this.#clock_doubted_at ??= performance.now();
      if (performance.now() - this.#clock_doubted_at < CLOCK_DOUBT_MS) return false;
    }
    this.#clock_doubted_at = undefined;
    try {
      log.write(({ db }) => putSeenAt(db, new Date().toISOString()));
    } catch (error) {
      logger.warn({ err: error }, 'storing the current time failed');
    }
    return true;
  }

  /** Expired rows are pruned at each use; this also prunes them on an idle server, and what is too much in all. */
  #prune(): void {
    this.#deps.log.write(({ db }) => {
      pruneStoredResponses(db, ago(LIMITS.idempotency_key_s * 1000));
      pruneLargeResponses(db, LIMITS.idempotency_answer_bytes_max);
      pruneRefreshTokens(db, ago(0));
    });
  }
}

function ago(ms: number): string {
  return new Date(Date.now() - ms).toISOString();
}
