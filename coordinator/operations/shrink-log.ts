import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from '../base/logger.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import type { Db } from '../sqlite/database.ts';
import { bytesInProgress, isRemovable, listEndedFirst, listEndedTasks, type EndedTask } from '../sqlite/log-use.ts';
import { markRemoved } from '../sqlite/removed.ts';
import { usedBytes } from '../sqlite/stats.ts';
import type { Attempts } from '../workers/attempts.ts';
import type { Deletion } from './deletion.ts';

const PAGE = 500;
/** A task whose log takes a larger part of the limit than this goes before the older tasks of its person. */
const LARGE_SHARE = 1 / 16;

type Dependencies = {
  log: EventLog;
  deletion: Deletion;
  /** A task is not removed while it may have a worker. */
  attempts: Pick<Attempts, 'has'>;
  logger: Logger;
  keep: { keep_log_bytes: number };
};

/**
 * Removes ended tasks while the database is too large. Tasks in progress do not count: one that floods its log must not
 * cost those that have ended. The person whose ended tasks take the most loses one first: a large one, else the one
 * that ended first. How much space it frees is known only afterwards, so there is one at a time.
 */
export async function shrinkLog(deps: Dependencies, signal: AbortSignal): Promise<void> {
  const { log, keep, deletion, attempts, logger } = deps;
  const isTooLarge = () => usedBytes(log.db) - bytesInProgress(log.db) > keep.keep_log_bytes;
  let use: LogUse | undefined;
  let tasks = 0;
  while ((await deletion.sweep()) && isTooLarge()) {
    signal.throwIfAborted();
    use ??= await LogUse.measure(log.db, keep.keep_log_bytes * LARGE_SHARE, signal);
    const id = use.takeNext((task_id) => attempts.has(task_id));
    if (id === undefined) {
      const bytes = usedBytes(log.db);
      logger.warn({ bytes, bytes_max: keep.keep_log_bytes }, 'database over its limit; no ended task left to remove');
      break;
    }
    log.write((tx) => {
      markRemoved(tx.db, 'task', id);
      tx.announce('removed');
    });
    tasks += 1;
  }
  if (tasks > 0) logger.info({ tasks }, 'tasks removed by database size');
}

/** What the ended tasks of each person take. */
class LogUse {
  readonly #db: Db;
  readonly #bytes = new Map<string, number>();
  /** Largest first. There are few: each takes a good part of the limit. */
  readonly #large: EndedTask[] = [];

  private constructor(db: Db) {
    this.#db = db;
  }

  /** Reads the sizes of all ended tasks, a page in each turn of the event loop. */
  static async measure(db: Db, large_bytes: number, signal: AbortSignal): Promise<LogUse> {
    const use = new LogUse(db);
    let page: EndedTask[] = [];
    do {
      await nextTurn();
      signal.throwIfAborted();
      page = listEndedTasks(db, page.at(-1) ?? { ended_at: '', id: '' }, PAGE);
      for (const task of page) {
        use.#add(task.user_id, task.bytes);
        if (task.bytes > large_bytes) use.#large.push(task);
      }
    } while (page.length === PAGE);
    use.#large.sort((a, b) => b.bytes - a.bytes);
    return use;
  }

  /** The task to remove next, none that is `busy`. Undefined: there is none. */
  takeNext(busy: (task_id: string) => boolean): string | undefined {
    for (let user_id = this.#whoHasMost(); user_id !== undefined; user_id = this.#whoHasMost()) {
      const task = this.#nextOf(user_id, busy);
      if (task) {
        this.#add(user_id, -task.bytes);
        return task.id;
      }
      this.#bytes.delete(user_id);
    }
    return undefined;
  }

  #nextOf(user_id: string, busy: (task_id: string) => boolean): EndedTask | undefined {
    const large = this.#large.findIndex((task) => task.user_id === user_id);
    const [taken] = large === -1 ? [] : this.#large.splice(large, 1);
    // It may have been resumed since it was measured.
    if (taken && !busy(taken.id) && isRemovable(this.#db, taken.id)) return taken;
    return listEndedFirst(this.#db, user_id).find(({ id }) => !busy(id));
  }

  #whoHasMost(): string | undefined {
    let most: string | undefined;
    for (const [user_id, bytes] of this.#bytes)
      if (most === undefined || bytes > (this.#bytes.get(most) ?? 0)) most = user_id;
    return most;
  }

  #add(user_id: string, bytes: number): void {
    this.#bytes.set(user_id, (this.#bytes.get(user_id) ?? 0) + bytes);
  }
}
