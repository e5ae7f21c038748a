import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { LIMITS } from '../../../../protocol/limits.ts';
import type { Task } from '../../../../protocol/task.ts';
import { useSession } from '../../parts/context.ts';
import { Screen } from '../../parts/screen.tsx';
import { t } from '../../parts/speech.ts';
import { useRead } from '../../parts/use-read.ts';
import { MoreRows } from '../errand/more-rows.tsx';
import { s } from '../screen-speech.ts';
import { LongList } from './long-list.tsx';
import { taskGlance, TaskRow, UnsentRow } from './task-row.tsx';
import { isUnsent } from './unsent.ts';

/** The errands that were put away: those that this device knows at once, then all that the server has. */
export function ArchivedScreen(): JSX.Element {
  const session = useSession();
  const list = useRef<HTMLDivElement>(null);
  const read = useSignal<readonly Task[]>([]);
  /** Where the server's list goes on; null: it was read to its end. */
  const next = useSignal<string | null | undefined>(undefined);
  const only_here = useSignal(false);
  const readPage = async (cursor: string | undefined): Promise<void> => {
    const query = { archived: 'true', limit: LIMITS.page_items_max, cursor };
    const page = await session.client.call('listTasks', { query });
    read.value = [...(cursor === undefined ? [] : read.peek()), ...page.items];
    [next.value, only_here.value] = [page.next_cursor, false];
  };
  useRead(() => void readPage(undefined).catch(() => (only_here.value = true)), [session]);
  const archived = merge(session.tasks.value ?? [], read.value);
  const ids = new Set(archived.map(({ id }) => id));
  const unsent = session.acts.entries.value.filter(
    (entry) => isUnsent(entry) && entry.action.do !== 'send' && ids.has(entry.action.task_id),
  );
  const is_read = next.value !== undefined || only_here.value;
  return (
    <Screen title={s.archive.title} parent={{ name: 'inbox' }}>
      <div class="body inbox" ref={list}>
        {only_here.value && <p class="soft">{t.inbox.only_here}</p>}
        <ul class="rows">
          {unsent.map((entry) => (
            <UnsentRow key={entry.key} entry={entry} />
          ))}
        </ul>
        {is_read && archived.length === 0 && <p class="empty">{s.archive.empty}</p>}
        <LongList
          items={archived}
          keyOf={({ id }) => id}
          glance={taskGlance}
          row={(task, attributes) => <TaskRow key={task.id} task={task} attributes={attributes} />}
        />
        {typeof next.value === 'string' && (
          <MoreRows list={list} label={t.errand.earlier} onMore={() => readPage(next.peek() ?? undefined)} />
        )}
      </div>
    </Screen>
  );
}

/** The archived ones of both, newest first. What this device knows of an errand is newer than what was read. */
function merge(known: readonly Task[], read: readonly Task[]): Task[] {
  const all = new Map([...read, ...known].map((task) => [task.id, task]));
  return [...all.values()].filter(({ archived }) => archived === true).sort((a, b) => (a.id < b.id ? 1 : -1));
}
