import type { ExecutionContext } from 'ava';
import { Scheduler } from '../../../coordinator/schedules/scheduler.ts';
import type { ScheduleCreate } from '../../../protocol/schedules.ts';
import { endTask, runTask } from '../fixtures.ts';
import { SILENT } from '../silent.ts';
import { startApi } from '../start-api.ts';

export const HOUR_MS = 3600_000;
export const NIGHTLY: Omit<ScheduleCreate, 'enabled'> = {
  name: 'Nightly',
  prompt: 'Update the dependencies',
  repo_url: 'errand://sample',
  cron: '0 3 * * *',
  time_zone: 'Europe/Berlin',
};
export const DEFAULTS = {
  config: {
    model: 'claude-sonnet-5-5',
    effort: 'medium',
    budget_usd: 1,
    member_budget_usd_max: 5,
    max_turns: 10,
    person_month_usd: 20,
    server_month_usd: undefined,
  },
} as const;

/** A schedule of a person, and a scheduler whose clock the test sets. */
export async function scheduleScene(t: ExecutionContext, input: Partial<ScheduleCreate> = {}) {
  const server = await startApi(t);
  const person = await server.person();
  const { api } = person;
  const { id } = await api.call('createSchedule', { body: { ...NIGHTLY, ...input } });
  const params = { id };
  const clock = { now: Date.now() };
  const scheduler = new Scheduler({
    log: server.log,
    defaults: DEFAULTS,
    logger: SILENT,
    now: () => clock.now,
    onStored: () => undefined,
  });
  const seen = () => api.call('getSchedule', { params });
  const runs = async () => (await api.call('listScheduleRuns', { params, query: { limit: 200 } })).items;
  const tick = () => scheduler.handleDue(new AbortController().signal);
  /** Lets the next due time come, `times` times, with a look at each. */
  const pass = async (times = 1) => {
    for (let n = 0; n < times; n++) {
      clock.now = Date.parse((await seen()).next_at) + 500;
      await tick();
    }
  };
  /** Ends the errand that the newest run has started. */
  const end = async (status: 'succeeded' | 'failed') => {
    const [run] = await runs();
    runTask(server.log, run?.task_id ?? '');
    endTask(server.log, run?.task_id ?? '', status);
  };
  const tasks = async () => (await api.call('listTasks', {})).items.filter((task) => task.schedule_id === id);
  return { server, person, api, id, params, clock, scheduler, seen, runs, tick, pass, end, tasks };
}

export type ScheduleScene = Awaited<ReturnType<typeof scheduleScene>>;
