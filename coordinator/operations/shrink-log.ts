import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from '../base/logger.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import type { Db } from '../sqlite/database.ts';
import { isRemovable, listEndedFirst, listEndedTasks, type EndedTask } from '../sqlite/log-use.ts';
import { markRemoved } from '../sqlite/removed.ts';
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
 * Removes ended tasks of each person whose ended tasks take more than one person's may: a large one first, else the one
 * that ended first. Nobody loses a task for what others store. Tasks in progress do not count: each has a quota.
 */
export async function shrinkLog(deps: Dependencies, signal: AbortSignal): Promise<void> {
  const { log, keep, deletion, attempts, logger } = deps;
  const use = await LogUse.measure(log.db, keep.keep_log_bytes, signal);
  let tasks = 0;
  for (const user_id of use.over())
    for (;;) {
      await nextTurn();
      signal.throwIfAborted();
      const id = use.takeNext(user_id, (task_id) => attempts.has(task_id));
      if (id === undefined) break;
      log.write((tx) => {
        markRemoved(tx.db, 'task', id);
        tx.announce('removed');
      });
      tasks += 1;
    }
  await deletion.sweep();
  if (tasks > 0) logger.info({ tasks }, 'tasks removed by the size of what their people keep');
}

/** What the ended tasks of each person take. */
class LogUse {
  readonly #db: Db;
  readonly #bytes_max: number;
  readonly #bytes = new Map<string, number>();
  /** Largest first. There are few: each takes a good part of the limit. */
  readonly #large: EndedTask[] = [];

  private constructor(db: Db, bytes_max: number) {
    this.#db = db;
    this.#bytes_max = bytes_max;
  }

  /** Reads the sizes of all ended tasks, a page in each turn of the event loop. */
  static async measure(db: Db, bytes_max: number, signal: AbortSignal): Promise<LogUse> {
    const use = new LogUse(db, bytes_max);
    let page: EndedTask[] = [];
    do {
      await nextTurn();
      signal.throwIfAborted();
      page = listEndedTasks(db, page.at(-1) ?? { ended_at: '', id: '' }, PAGE);
      for (const task of page) {
        use.#add(task.user_id, task.bytes);
        if (task.bytes > bytes_max * LARGE_SHARE) use.#large.push(task);
      }
    } while (page.length === PAGE);
    use.#large.sort((a, b) => b.bytes - a.bytes);
    return use;
  }

  /** The people who keep more than they may. */
  over(): string[] {
    return [...this.#bytes].flatMap(([user_id, bytes]) => (bytes > this.#bytes_max ? [user_id] : []));
  }

  /** The task of this person to remove next, none that is `busy`. Undefined: what they keep is within the limit. */
  takeNext(user_id: string, busy: (task_id: string) => boolean): string | undefined {
    if ((this.#bytes.get(user_id) ?? 0) <= this.#bytes_max) return undefined;
    const task = this.#nextOf(user_id, busy);
    if (task) this.#add(user_id, -task.bytes);
    return task?.id;
  }

  #nextOf(user_id: string, busy: (task_id: string) => boolean): EndedTask | undefined {
    const large = this.#large.findIndex((task) => task.user_id === user_id);
    const [taken] = large === -1 ? [] : this.#large.splice(large, 1);
    // It may have been resumed since it was measured.
    if (taken && !busy(taken.id) && isRemovable(this.#db, taken.id)) return taken;
    return listEndedFirst(this.#db, user_id).find(({ id }) => !busy(id));
  }

  #add(user_id: string, bytes: number): void {
    this.#bytes.set(user_id, (this.#bytes.get(user_id) ?? 0) + bytes);
  }
}
