import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { ScheduleRun } from '../../../../protocol/schedules.ts';
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
  const { client } = useSession();
  const runs = useSignal<readonly ScheduleRun[] | undefined>(undefined);
  const next = useSignal<string | null>(null);
  const fault = useSignal('');
  const read = (cursor: string | undefined): void => {
    client
      .call('listScheduleRuns', { params: { id }, query: { limit: PAGE, cursor } })
      .then((page) => {
        runs.value = [...(cursor === undefined ? [] : (runs.value ?? [])), ...page.items];
        [next.value, fault.value] = [page.next_cursor, ''];
      })
      .catch((error: unknown) => (fault.value = faultWords(error)));
  };
  useRead(() => read(undefined), [client, id]);
  const cursor = next.value;
  return (
    <>
      <ReadState known={runs.value !== undefined} fault={fault.value} />
      {runs.value?.length === 0 && <p class="soft">{s.no_runs}</p>}
      <ul class="rows">
        {runs.value?.map((run) => (
          <RunRow key={run.due_at} run={run} />
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
