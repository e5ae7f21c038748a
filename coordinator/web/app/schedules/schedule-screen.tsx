import { useSignal, type Signal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Schedule } from '../../../../protocol/schedules.ts';
import { Refusal } from '../../../client/errors.ts';
import { useRouter, useSession } from '../../parts/context.ts';
import { ReadState } from '../../parts/read-state.tsx';
import { Confirm, Screen } from '../../parts/screen.tsx';
import { useOnce } from '../../parts/use-once.ts';
import { useRead } from '../../parts/use-read.ts';
import { useSameKey } from '../../parts/use-same-key.ts';
import { refusalWords } from '../refusal-words.ts';
import { NextTimes } from './next-times.tsx';
import { Runs } from './runs.tsx';
import { ScheduleForm } from './schedule-form.tsx';
import { WhenAndWhere } from './when-and-where.tsx';
import { s } from './words.ts';

/** One schedule with its runs, or a new one if there is no id. */
export function ScheduleScreen({ id }: { id: string }): JSX.Element {
  const session = useSession();
  const router = useRouter();
  const schedule = useSignal<Schedule | undefined>(undefined);
  const changes = useSignal(id === '');
  const fault = useSignal('');
  const read = (): void => {
    void session.readProjects();
    if (id === '') return;
    session.client
      .call('getSchedule', { params: { id } })
      .then((found) => ([schedule.value, fault.value] = [found, '']))
      .catch((error: unknown) => {
        const gone = error instanceof Refusal && error.code === 'not_found';
        if (gone) void session.texts.write(`schedule ${id}`, '');
        fault.value = gone ? s.gone : refusalWords(error);
      });
  };
  useRead(read, [session, id]);
  const leave = router.unlessGone(() => router.back('schedules'));
  const saved = (next: Schedule): void => {
    if (id === '') return leave();
    schedule.value = next;
    changes.value = false;
  };
  const shown = schedule.value;
  return (
    <Screen title={shown?.name ?? (id === '' ? s.new : s.title)} parent={{ name: 'schedules' }}>
      <div class="body settings schedules">
        <ReadState known={id === '' || shown !== undefined} fault={fault.value} />
        {changes.value && (shown ?? id === '') && <ScheduleForm schedule={shown} onSaved={saved} />}
        {!changes.value && shown && (
          <Details schedule={shown} onChanged={saved} onChange={() => (changes.value = true)} fault={fault} />
        )}
      </div>
    </Screen>
  );
}

type DetailsProps = {
  schedule: Schedule;
  onChanged: (schedule: Schedule) => void;
  onChange: () => void;
  fault: Signal<string>;
};

function Details({ schedule, onChanged, onChange, fault }: DetailsProps): JSX.Element {
  const session = useSession();
  const { id, prompt, paused } = schedule;
  const params = { id };
  const runs = useSignal(0);
  const once = useOnce();
  const makeOnce = useSameKey();
  const act = (work: () => Promise<Schedule>): void => {
    fault.value = '';
    once(() =>
      work()
        .then(onChanged)
        .then(() => (runs.value += 1))
        .catch((error: unknown) => (fault.value = refusalWords(error))),
    );
  };
  const enable = (enabled: boolean) => () => session.client.call('patchSchedule', { params, body: { enabled } });
  const runNow = async () => {
    await makeOnce(params, (own) => session.client.call('runSchedule', { params }, own));
    return session.client.call('getSchedule', { params });
  };
  return (
    <>
      {paused !== null && (
        <div class={paused === 'person' ? undefined : 'card'} role="status">
          <p>{s.paused[paused]}</p>
          <button type="button" class="choice main" onClick={() => act(enable(true))}>
            {s.resume}
          </button>
        </div>
      )}
      <p dir="auto" class="asked">
        {prompt}
      </p>
      <p class="soft">
        <WhenAndWhere schedule={schedule} />
      </p>
      {paused === null && <NextTimes cron={schedule.cron} time_zone={schedule.time_zone} />}
      <div class="chips">
        <button type="button" class="option" onClick={() => act(runNow)}>
          {s.run_now}
        </button>
        <button type="button" class="option" onClick={onChange}>
          {s.change}
        </button>
        {paused === null && (
          <button type="button" class="option" onClick={() => act(enable(false))}>
            {s.pause}
          </button>
        )}
      </div>
      <h2>{s.runs}</h2>
      <Runs key={runs.value} id={id} />
      <DeleteSchedule id={id} fault={fault} />
    </>
  );
}

function DeleteSchedule({ id, fault }: { id: string; fault: Signal<string> }): JSX.Element {
  const session = useSession();
  const router = useRouter();
  const asks = useSignal(false);
  const remove = (): void => {
    session.client
      .call('deleteSchedule', { params: { id } })
      .then(() => session.texts.write(`schedule ${id}`, ''))
      .then(router.unlessGone(() => router.back('schedules')))
      .catch((error: unknown) => (fault.value = refusalWords(error)));
  };
  return (
    <>
      <button type="button" class="choice danger" onClick={() => (asks.value = true)}>
        {s.delete}
      </button>
      {asks.value && (
        <Confirm
          title={s.delete_title}
          text={s.delete_text}
          yes={s.delete}
          danger
          onYes={remove}
          onClose={() => (asks.value = false)}
        />
      )}
    </>
  );
}
