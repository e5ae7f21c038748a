import { LIMITS } from '../../protocol/limits.ts';
import { tellOfPause } from '../notifications/tell-channels.ts';
import type { Tx } from '../sqlite/event-log.ts';
import { hasScheduleRun, insertScheduleRun, listUnsettledErrands, pruneScheduleRuns } from '../sqlite/schedule-runs.ts';
import { findSchedule, updateSchedule, type ScheduleRow } from '../sqlite/schedules.ts';
import { dueTimes } from './due-times.ts';
import { countFailures, settleErrand } from './settle.ts';
import { startRun, type RunDefaults } from './start-run.ts';
import { isoTime } from '../base/iso-time.ts';

/** The due times that one transaction handles. A long outage takes several. */
const DUE_MAX = 200;

/**
 * Gives the due times of a schedule up to `now` (ms) their runs, the oldest first and at most `DUE_MAX`: the newest of
 * all starts an errand or says why not, those before it were missed. Run and errand are stored together with how far
 * this came, so a server that dies starts none twice and forgets none.
 */
export function handleDue(tx: Tx, defaults: RunDefaults, schedule_id: string, now: number): void {
  const { db } = tx;
  for (const task_id of listUnsettledErrands(db, schedule_id, DUE_MAX)) settleErrand(tx, task_id);
  const schedule = findSchedule(db, schedule_id);
  if (!schedule) return;
  const times = dueTimes(schedule, Date.parse(schedule.handled_until));
  const due: number[] = [];
  let next = nextOf(times);
  for (; next <= now && due.length < DUE_MAX; next = nextOf(times)) due.push(next);
  const newest = next > now ? due.pop() : undefined;
  for (const at of due) skip(tx, schedule, at, now);
  const state = newest === undefined ? {} : start(tx, defaults, schedule, newest, now);
  const handled_until = newest ?? due.at(-1);
  pruneScheduleRuns(db, schedule_id, LIMITS.schedule_runs_kept_max);
  updateSchedule(db, {
    ...schedule,
    ...state,
    handled_until: handled_until === undefined ? schedule.handled_until : isoTime(handled_until),
    next_at: isoTime(next),
  });
}

/** Runs the schedule for a due time. Returns its state from now on. */
function start(tx: Tx, defaults: RunDefaults, schedule: ScheduleRow, at: number, now: number): Partial<ScheduleRow> {
  // It was handled before the clock went back.
  if (hasScheduleRun(tx.db, schedule.id, isoTime(at))) return {};
  const run = { ...emptyRun(schedule, at, now) };
  const started = startRun(tx, defaults, schedule, now);
  if ('id' in started) insertScheduleRun(tx.db, { ...run, task_id: started.id });
  else insertScheduleRun(tx.db, { ...run, ...started });
  if (!('reason' in started)) return {};
  if (started.reason === 'project_gone') {
    tellOfPause(tx, schedule, isoTime(now));
    return { paused: 'project_gone' };
  }
  return started.reason === 'refused' ? countFailures(tx, schedule, isoTime(now)) : {};
}

/** Says of a due time that a later one takes its place. */
function skip({ db }: Tx, schedule: ScheduleRow, at: number, now: number): void {
  const reason = schedule.paused === null ? 'missed' : 'paused';
  insertScheduleRun(db, { ...emptyRun(schedule, at, now), reason });
}

function emptyRun({ id: schedule_id }: ScheduleRow, at: number, now: number) {
  const nothing = { by_hand: false, task_id: null, outcome: null, reason: null, detail: null };
  return { schedule_id, due_at: isoTime(at), ...nothing, created_at: isoTime(now) };
}

function nextOf(times: Generator<number, void>): number {
  const { value } = times.next();
  if (value === undefined) throw new Error('The schedule has no due time.');
  return value;
}
