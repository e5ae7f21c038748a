import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { ScheduleRun } from '../../../../protocol/schedules.ts';
import type { Task } from '../../../../protocol/task.ts';
import { useSession } from '../../parts/context.ts';
import { Icon } from '../../parts/icons.tsx';
import { ReadState } from '../../parts/read-state.tsx';
import { format } from '../../parts/speech.ts';
import { useRead } from '../../parts/use-read.ts';
import { faultWords } from '../../parts/words.ts';
import { pathOf } from '../../store/routes.ts';
import { moment, runWords, s } from './words.ts';

const PAGE = 20;
/** A run that began so much later than it was due came after an outage. */
const LATE_MS = 2 * 60_000;

/** What became of the due times of a schedule, the latest first. */
export function Runs({ id }: { id: string }): JSX.Element {
  const { client, tasks } = useSession();
  const runs = useSignal<readonly ScheduleRun[] | undefined>(undefined);
  const next = useSignal<string | null>(null);
  const fault = useSignal('');
  const read = (cursor: string | undefined): void => {
    client
      .call('listScheduleRuns', { params: { id }, query: { limit: PAGE, cursor } })
      .then(({ items, next_cursor }) => {
        const before = runs.value ?? [];
        const last = items.at(-1)?.due_at ?? '';
        // Read anew, the first page comes in front of the earlier ones that are shown.
        const earlier = cursor === undefined ? before.filter(({ due_at }) => due_at < last) : [];
        runs.value = [...(cursor === undefined ? [] : before), ...items, ...earlier];
        if (earlier.length === 0) next.value = next_cursor;
        fault.value = '';
      })
      .catch((error: unknown) => (fault.value = faultWords(error)));
  };
  const own = tasks.value?.filter(({ schedule_id }) => schedule_id === id) ?? [];
  const started = own.map((task) => task.id).join();
  useRead(() => read(undefined), [client, id, started]);
  const cursor = next.value;
  return (
    <>
      <ReadState known={runs.value !== undefined} fault={fault.value} />
      {runs.value?.length === 0 && <p class="soft">{s.no_runs}</p>}
      <ul class="rows">
        {runs.value?.map((run) => (
          <RunRow key={run.due_at} run={withOutcome(run, own)} />
        ))}
      </ul>
      {cursor !== null && (
        <button type="button" class="quiet" onClick={() => read(cursor)}>
          {s.earlier}
        </button>
      )}
    </>
  );
}

/** The run with how its errand has ended, which is stored a moment after that. */
function withOutcome(run: ScheduleRun, tasks: readonly Task[]): ScheduleRun {
  const status = tasks.find(({ id }) => id === run.task_id)?.status;
  const has_ended = status === 'succeeded' || status === 'failed' || status === 'cancelled';
  return run.outcome === null && has_ended ? { ...run, outcome: status } : run;
}

function RunRow({ run }: { run: ScheduleRun }): JSX.Element {
  const { due_at, created_at, task_id, by_hand, outcome } = run;
  const is_late = task_id !== null && Date.parse(created_at) - Date.parse(due_at) > LATE_MS;
  const notes = [...(by_hand ? [s.by_hand] : []), ...(is_late ? [s.late(format.clock(created_at))] : [])];
  const what = (
    <span>
      <time dateTime={due_at}>{moment(due_at)}</time>
      <small class={outcome === 'failed' ? 'fault' : ''}>{[runWords(run), ...notes].join(', ')}</small>
    </span>
  );
  return (
    <li>
      {task_id === null ? (
        <div class="link-row">{what}</div>
      ) : (
        <a class="link-row" href={pathOf('errand', { id: task_id })}>
          {what}
          <Icon name="open" />
        </a>
      )}
    </li>
  );
}
