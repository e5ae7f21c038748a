import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Schedule } from '../../../../protocol/schedules.ts';
import { allSchedules } from '../../../client/lists.ts';
import { useSession } from '../../parts/context.ts';
import { ReadState } from '../../parts/read-state.tsx';
import { Screen } from '../../parts/screen.tsx';
import { useRead } from '../../parts/use-read.ts';
import { faultWords } from '../../parts/words.ts';
import { pathOf } from '../../store/routes.ts';
import { pruneForms } from '../form-draft.tsx';
import { WhenAndWhere } from './when-and-where.tsx';
import { moment, runWords, s } from './words.ts';

/** The schedules: errands that start by themselves. */
export function SchedulesScreen(): JSX.Element {
  const session = useSession();
  const schedules = useSignal<readonly Schedule[] | undefined>(undefined);
  const fault = useSignal('');
  const read = (): void => {
    void session.readProjects();
    allSchedules(session.client).then(
      (all) => {
        [schedules.value, fault.value] = [all, ''];
        return pruneForms(session.texts, 'schedule', all);
      },
      (error: unknown) => (fault.value = faultWords(error)),
    );
  };
  useRead(read, [session]);
  return (
    <Screen title={s.title} parent={{ name: 'settings' }}>
      <div class="body settings schedules">
        <ReadState known={schedules.value !== undefined} fault={fault.value} />
        {schedules.value?.length === 0 && <p class="empty">{s.empty}</p>}
        <ul class="rows places">
          {schedules.value?.map((schedule) => (
            <ScheduleRow key={schedule.id} schedule={schedule} />
          ))}
        </ul>
        <a class="primary" href={pathOf('new_schedule')}>
          {s.add}
        </a>
      </div>
    </Screen>
  );
}

function ScheduleRow({ schedule }: { schedule: Schedule }): JSX.Element {
  const { id, name, paused, next_at, last_run } = schedule;
  return (
    <li>
      <a class="link-row" href={pathOf('schedule', { id })}>
        <span>
          <b dir="auto">{name}</b>
          <small>
            <WhenAndWhere schedule={schedule} />
          </small>
          <small class={paused === null || paused === 'person' ? '' : 'needs'}>
            {paused === null ? s.next_at(moment(next_at)) : s.paused[paused]}
          </small>
          {paused === null && last_run && (
            <small class={last_run.outcome === 'failed' ? 'fault' : ''}>
              {moment(last_run.due_at)}: {runWords(last_run)}
            </small>
          )}
        </span>
      </a>
    </li>
  );
}
