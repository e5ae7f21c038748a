import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from '../base/logger.ts';
import { Periodic } from '../base/periodic.ts';
import type { EventLog, Tx } from '../sqlite/event-log.ts';
import { findScheduleRunOf, forgetRunsAhead, listUnsettledErrands } from '../sqlite/schedule-runs.ts';
import {
  listAllSchedules,
  listDueSchedules,
  postponeSchedule,
  updateSchedule,
  type ScheduleRow,
} from '../sqlite/schedules.ts';
import { isEnded } from '../../protocol/task.ts';
import { nextDue } from './due-times.ts';
import { handleDue } from './handle-due.ts';
import { settleErrand } from './settle.ts';
import type { RunDefaults } from './start-run.ts';

const TICK_MS = 1_000;
/** Looked at in one turn. */
const BATCH = 100;
/** A schedule that could not be handled is looked at again after this. */
const RETRY_MS = 60_000;
/** A clock that goes back by less makes no due time come twice: they are whole minutes. */
const BACK_MS = 60_000;

type Dependencies = {
  log: EventLog;
  defaults: RunDefaults;
  logger: Logger;
  now?: () => number;
  /** Called after runs were stored: a schedule may have paused, of which its person is to be told. */
  onStored: () => void;
};

/**
 * Starts the errands of schedules when they are due. It asks the database each second what is due, by one look into an
 * index. So idle schedules cost nothing, and the clock may be set at any time.
 */
export class Scheduler {
  readonly #log: EventLog;
  readonly #defaults: RunDefaults;
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #onStored: () => void;
  readonly #ticks: Periodic;
  #unsubscribe = (): void => undefined;
  #last_now = Infinity;

  constructor({ log, defaults, logger, now = Date.now, onStored }: Dependencies) {
    this.#log = log;
    this.#defaults = defaults;
    this.#logger = logger;
    this.#now = now;
    this.#onStored = onStored;
    this.#ticks = new Periodic({
      every_ms: TICK_MS,
      work: (signal) => this.handleDue(signal),
      onError: (err) => this.#logger.error({ err }, 'schedules could not be read; retrying'),
    });
  }

  /** Begins in the background. First it makes up for what happened while the server was down. */
  start(): void {
    this.#unsubscribe = this.#log.subscribe('task.status', ({ task_id, body }) => {
      if (isEnded(body.to) && findScheduleRunOf(this.#log.db, task_id)) void this.#settle(task_id);
    });
    void this.#ticks.start();
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#ticks.stop();
  }

  async #settle(task_id: string): Promise<void> {
    try {
      await this.#log.enqueue((tx) => settleErrand(tx, task_id));
      this.#onStored();
    } catch (err) {
      // The next run of the schedule settles it, or the next start.
      this.#logger.warn({ err, task_id }, "the end of a schedule's errand could not be stored");
    }
  }

  /** Handles what is due now. It is called each second. */
  async handleDue(signal: AbortSignal): Promise<void> {
    const now = this.#now();
    // At the start too: the clock may have been set, or the rules of a time zone may have changed, since it last ran.
    if (now < this.#last_now - BACK_MS) await this.#realignAll(now, signal);
    this.#last_now = now;
    for (let ids = this.#due(); ids.length > 0 && !signal.aborted; ids = this.#due())
      for (const id of ids) {
        if (signal.aborted) return;
        this.#handle(id);
        await nextTurn();
      }
  }

  #due(): string[] {
    return listDueSchedules(this.#log.db, new Date(this.#now()).toISOString(), BATCH);
  }

  #handle(id: string): void {
    try {
      this.#log.write((tx) => handleDue(tx, this.#defaults, id, this.#now()));
      this.#onStored();
    } catch (err) {
      this.#logger.error({ err, schedule_id: id }, 'schedule failed; retrying');
      const next_at = new Date(this.#now() + RETRY_MS).toISOString();
      this.#log.write(({ db }) => postponeSchedule(db, id, next_at), { urgent: true });
    }
  }

  async #realignAll(now: number, signal: AbortSignal): Promise<void> {
    const { db } = this.#log;
    const unsettled = listUnsettledErrands(db, null, Number.MAX_SAFE_INTEGER);
    for (const task_id of unsettled) await this.#settle(task_id);
    for (let page = listAllSchedules(db, '', BATCH); page.length > 0 && !signal.aborted;) {
      const stale = page.flatMap((schedule) => this.#realigned(schedule, now));
      if (stale.length > 0) this.#log.write((tx) => stale.forEach((schedule) => realign(tx, schedule, now)));
      await nextTurn();
      page = listAllSchedules(db, page.at(-1)?.id ?? '', BATCH);
    }
  }

  /** The schedule with corrected times, if they are wrong: handled up to now at most, and next due after that. */
  #realigned(schedule: ScheduleRow, now: number): ScheduleRow[] {
    try {
      const handled = Math.min(Date.parse(schedule.handled_until), now);
      const handled_until = new Date(handled).toISOString();
      const next_at = new Date(nextDue(schedule, handled)).toISOString();
      const same = handled_until === schedule.handled_until && next_at === schedule.next_at;
      return same ? [] : [{ ...schedule, handled_until, next_at }];
    } catch (err) {
      this.#logger.error({ err, schedule_id: schedule.id }, 'schedule has no next due time');
      return [];
    }
  }
}

function realign({ db }: Tx, schedule: ScheduleRow, now: number): void {
  forgetRunsAhead(db, schedule.id, new Date(now).toISOString());
  updateSchedule(db, schedule);
}
