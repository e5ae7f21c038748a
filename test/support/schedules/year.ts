import { openDatabase } from '../../../coordinator/sqlite/open-database.ts';
import { EventLog } from '../../../coordinator/sqlite/event-log.ts';
import { listScheduleRuns, type ScheduleRunRow } from '../../../coordinator/sqlite/schedule-runs.ts';
import { findSchedule } from '../../../coordinator/sqlite/schedules.ts';
import { createSchedule, patchSchedule } from '../../../coordinator/schedules/schedule-commands.ts';
import { Scheduler } from '../../../coordinator/schedules/scheduler.ts';
import { settleErrand } from '../../../coordinator/schedules/settle.ts';
import { isEnded } from '../../../protocol/task.ts';
import { addUser, endTask, runTask, taskOf } from '../fixtures.ts';
import { Random } from '../random.ts';
import { SILENT } from '../silent.ts';
import { ZONES, type Zone } from './wall-minutes.ts';

/** More than are due in the longest outage. */
const RUNS_LOOKED_AT = 60;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** What the schedules of each zone are. */
const CRONS = ['30 2 * * *', '*/30 0-3 * * *', '0 9 * * 1-5', '15 0,2 1 * 0', '0 0 1 * *'];

export type Simulated = { id: string; cron: string; zone: Zone; runs: ScheduleRunRow[]; tasks: number };
export type Year = { from: number; to: number; schedules: Simulated[]; outages: number; kills: number; steps: number };

const DEFAULTS = {
  config: {
    model: 'demo',
    effort: 'medium',
    budget_usd: 1,
    member_budget_usd_max: 1000,
    max_turns: 10,
    person_month_usd: undefined,
    server_month_usd: undefined,
  },
} as const;

class Killed extends Error {}

/**
 * Runs schedules in several zones through a span of time in which the server is up most of the time: it is killed
 * before or after a commit, stays away for minutes to days, and its clock is set back and forth. `:memory:` stands
 * for the disk: it keeps what was committed. `trouble`: how much more often something goes wrong than in a usual
 * year.
 */
export async function simulateYear(
  from: number,
  to: number,
  { seed, zones = ZONES, trouble = 1 }: { seed: number; zones?: readonly Zone[]; trouble?: number },
): Promise<Year> {
  const world = new World({ from, to, seed, zones, trouble });
  while (world.now < to) await world.step();
  return { ...world.counts, from, to, schedules: world.schedules() };
}

type WorldOptions = { from: number; to: number; seed: number; zones: readonly Zone[]; trouble: number };

class World {
  readonly counts = { outages: 0, kills: 0, steps: 0 };
  readonly #random: Random;
  readonly #db = openDatabase(':memory:');
  readonly #seen = new Map<string, Map<string, ScheduleRunRow>>();
  readonly #made: Omit<Simulated, 'runs' | 'tasks'>[];
  readonly #ends: { at: number; task_id: string }[] = [];
  readonly #user_id: string;
  #log: EventLog;
  #scheduler: Scheduler;
  #kill: 'before' | 'after' | 'dead' | undefined;
  readonly #to: number;
  readonly #trouble: number;
  #now: number;

  constructor({ from, to, seed, zones, trouble }: WorldOptions) {
    this.#trouble = trouble;
    this.#now = from;
    this.#to = to;
    this.#random = new Random(seed);
    this.#log = this.#open();
    this.#scheduler = this.#boot();
    this.#user_id = addUser(this.#log);
    this.#made = zones.flatMap((zone) =>
      CRONS.map((cron) => {
        const timing = { cron, time_zone: zone.name };
        const input = {
          ...timing,
          name: `${cron} ${zone.name}`,
          prompt: 'Fix it',
          repo_url: 'errand://sample',
          enabled: true,
        };
        const { id } = this.#log.write((tx) => createSchedule(tx, DEFAULTS, this.#user_id, input, from));
        return { id, cron, zone };
      }),
    );
  }

  get now(): number {
    return this.#now;
  }

  /** Goes on to the next thing that happens: something is due, an errand ends, or the server is away for a while. */
  async step(): Promise<void> {
    const chance = this.#random.next();
    if (chance < 0.004 * this.#trouble) this.#stayAway();
    else if (chance < 0.008 * this.#trouble) this.#setClock();
    else this.#advance(Math.max(0, this.#nextDue() - this.#now) + this.#random.whole(0, 1_000));
    await this.#tick(chance > 1 - 0.02 * this.#trouble ? this.#random.pick(['before', 'after'] as const) : undefined);
    this.#look();
  }

  schedules(): Simulated[] {
    return this.#made.map((made) => {
      const runs = [...(this.#seen.get(made.id)?.values() ?? [])];
      return { ...made, runs, tasks: this.#countTasks(made.id) };
    });
  }

  #countTasks(schedule_id: string): number {
    const row = this.#db.prepare('SELECT count(*) AS n FROM tasks WHERE schedule_id = ?').get(schedule_id);
    return (row as { n: number }).n;
  }

  /** `kill`: the process dies at this point of its next commit. */
  async #tick(kill?: 'before' | 'after'): Promise<void> {
    this.#endErrands();
    this.#kill = kill;
    try {
      await this.#scheduler.handleDue(new AbortController().signal);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      // The process is gone: what the database has is all that the next one knows.
      this.counts.kills += 1;
      this.#kill = undefined;
      this.#log = this.#open();
      this.#scheduler = this.#boot();
      this.#advance(this.#random.whole(1, 20 * MINUTE_MS));
      await this.#tick();
    }
    this.#kill = undefined;
  }

  #stayAway(): void {
    this.counts.outages += 1;
    this.#advance(this.#random.pick([5 * MINUTE_MS, HOUR_MS, 9 * HOUR_MS, 70 * HOUR_MS]) * this.#random.next());
    this.#log = this.#open();
    this.#scheduler = this.#boot();
  }

  #advance(ms: number): void {
    this.#now = Math.min(this.#to, this.#now + Math.round(ms));
  }

  #setClock(): void {
    this.counts.steps += 1;
    this.#advance(Math.round((this.#random.next() - 0.5) * 4 * HOUR_MS));
  }

  #nextDue(): number {
    const times = this.#made.map(({ id }) => Date.parse(findSchedule(this.#db, id)?.next_at ?? ''));
    return Math.min(...times);
  }

  /** Errands take minutes to hours, and one in five fails. */
  #endErrands(): void {
    for (const { task_id } of this.#ends.filter(({ at }) => at <= this.#now)) {
      endTask(this.#log, task_id, this.#random.next() < 0.2 ? 'failed' : 'succeeded');
      if (this.#random.next() < 0.9) this.#log.write((tx) => settleErrand(tx, task_id));
    }
    const open = this.#ends.filter(({ task_id }) => !isEnded(taskOf(this.#log, task_id).status));
    this.#ends.splice(0, this.#ends.length, ...open);
  }

  /** Notes the runs as they are now, takes up new errands, and resumes what has paused itself, sooner or later. */
  #look(): void {
    for (const { id } of this.#made) {
      const page = listScheduleRuns(this.#db, id, undefined, RUNS_LOOKED_AT).toReversed();
      const runs = this.#seen.get(id) ?? new Map<string, ScheduleRunRow>();
      this.#seen.set(id, runs);
      for (const due_at of runs.keys()) if (page[0] && due_at >= page[0].due_at) runs.delete(due_at);
      for (const run of page) runs.set(run.due_at, run);
      const last = page.at(-1);
      if (last?.task_id && taskOf(this.#log, last.task_id).status === 'queued') {
        runTask(this.#log, last.task_id);
        this.#ends.push({ at: this.#now + this.#random.next() ** 3 * 9 * HOUR_MS, task_id: last.task_id });
      }
      if (findSchedule(this.#db, id)?.paused && this.#random.next() < 0.01)
        this.#log.write((tx) => patchSchedule(tx, DEFAULTS, this.#user_id, id, { enabled: true }, this.#now));
    }
  }

  #open(): EventLog {
    const die = (point: 'before' | 'after') => {
      if (this.#kill !== point && this.#kill !== 'dead') return;
      this.#kill = 'dead';
      throw new Killed();
    };
    return new EventLog({
      db: this.#db,
      logger: SILENT,
      hook: { before: () => die('before'), after: () => die('after') },
    });
  }

  #boot(): Scheduler {
    return new Scheduler({
      log: this.#log,
      defaults: DEFAULTS,
      logger: SILENT,
      now: () => this.#now,
      onStored: () => undefined,
    });
  }
}
