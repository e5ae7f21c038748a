import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { ServerSample, ServerState } from '../../../../protocol/server.ts';
import { useSession } from '../../parts/context.ts';
import { ReadState } from '../../parts/read-state.tsx';
import { format, t } from '../../parts/speech.ts';
import { faultWords } from '../../parts/words.ts';
import { ago } from '../ago.ts';
import { Plot } from './plot.tsx';
import { s } from '../screen-speech.ts';

/** How often it is read again while it is shown. */
const READ_MS = 15_000;
/** The samples of an hour: with fewer the day has no course yet. */
const SAMPLES_MIN = 12;

/** How the server does, in words and small plots. */
export function Status(): JSX.Element {
  const { client } = useSession();
  const state = useSignal<ServerState | undefined>(undefined);
  const fault = useSignal('');
  useEffect(() => {
    const read = (): void => {
      client.call('getServer', {}).then(
        (fresh) => {
          state.value = fresh;
          fault.value = '';
        },
        (error: unknown) => (fault.value = faultWords(error)),
      );
    };
    read();
    const timer = setInterval(read, READ_MS);
    return () => clearInterval(timer);
  }, [client]);
  const known = state.value;
  return (
    <>
      <ReadState known={known !== undefined} fault={fault.value} />
      {known && <Known state={known} />}
    </>
  );
}

function Known({ state }: { state: ServerState }): JSX.Element {
  const { held, started_at, samples } = state;
  return (
    <>
      <p class={held === null ? '' : 'fault'}>{held === null ? s.owner.well : t.in_english(held)}</p>
      <p class="soft">
        {s.owner.since(format.clock(started_at))}
        {samples.length < SAMPLES_MIN && ` ${s.owner.no_course}`}
      </p>
      <div class="plots">
        <Work state={state} />
        <Money state={state} />
        <Disk state={state} />
        <Backup state={state} />
      </div>
    </>
  );
}

/** How a number went on the last day, up to now. */
function courseOf(samples: readonly ServerSample[], numberOf: (sample: ServerSample) => number, now: number): number[] {
  return samples.length < SAMPLES_MIN ? [] : [...samples.map(numberOf), now];
}

function Work({ state: { queue, workers, samples } }: { state: ServerState }): JSX.Element {
  const queued = queue.oldest_at === null ? s.owner.none : s.owner.queued(queue.queued, ago(queue.oldest_at));
  const at_work = s.owner.at_work(workers.at_work, workers.max, workers.warm);
  const most = (values: number[]) => format.number(Math.max(0, ...values));
  const queues = courseOf(samples, (each) => each.queued, queue.queued);
  const works = courseOf(samples, (each) => each.at_work, workers.at_work);
  return (
    <>
      <Plot
        title={s.owner.queue}
        value={queued}
        summary={s.owner.day_most(queued, most(queues))}
        values={queues}
        kind="line"
      />
      <Plot
        title={s.owner.workers}
        value={at_work}
        summary={s.owner.day_most(at_work, most(works))}
        values={works}
        kind="line"
        max={workers.max}
      />
    </>
  );
}

function Money({ state: { money } }: { state: ServerState }): JSX.Element {
  const month = format.money(money.month_usd);
  const limit = money.month_usd_max === null ? month : s.owner.of(month, format.money(money.month_usd_max));
  const days = money.days.map(({ cost_usd }) => cost_usd);
  const value = s.owner.money_value(format.money(days.at(-1) ?? 0), limit);
  const summary = s.owner.money_summary(value, format.money(Math.max(...days)));
  const values = days.some((cost) => cost > 0) ? days : [];
  return <Plot title={s.owner.money} value={value} summary={summary} values={values} kind="bars" />;
}

function Disk({ state: { disk, samples } }: { state: ServerState }): JSX.Element {
  const free = disk.free_bytes === null ? s.owner.unknown : format.bytes(disk.free_bytes);
  const of = disk.total_bytes === null ? free : s.owner.of(free, format.bytes(disk.total_bytes));
  const value = s.owner.disk_value(of, format.bytes(disk.database_bytes));
  const values = courseOf(samples, ({ disk_free_bytes }) => disk_free_bytes ?? 0, disk.free_bytes ?? 0);
  return (
    <Plot title={s.owner.disk} value={value} summary={value} values={values} kind="line" max={disk.total_bytes ?? 0} />
  );
}

function Backup({ state: { backup } }: { state: ServerState }): JSX.Element {
  const failed = backup !== null && backup.failed_at !== null && backup.failed_at > (backup.succeeded_at ?? '');
  const last = backup?.succeeded_at ?? null;
  return (
    <div class="plot">
      <b>{s.owner.backup}</b>
      <p class={failed ? 'fault' : ''}>
        {backup === null
          ? s.owner.backup_off
          : last === null
            ? s.owner.backup_none
            : s.owner.backup_last(format.clock(last), ago(last))}
        {failed && backup.failed_at !== null && ` ${s.owner.backup_failed(format.clock(backup.failed_at))}`}
      </p>
    </div>
  );
}
