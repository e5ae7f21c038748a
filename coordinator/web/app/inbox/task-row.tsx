import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Task } from '../../../../protocol/task.ts';
import { isEnded, openNeeds } from '../../../../protocol/without-schemas.ts';
import type { Entry } from '../../../client/sync/outbox-entry.ts';
import { DecisionCard } from '../../parts/decision-card.tsx';
import { entryWords } from '../../parts/entry-words.ts';
import { Icon } from '../../parts/icons.tsx';
import { later_parts, loadLaterParts } from './later-parts.ts';
import type { RowAttributes } from './long-list.tsx';
import { now } from '../../parts/now.ts';
import { PullChip } from '../../parts/pull-chip.tsx';
import { format, t } from '../../parts/speech.ts';
import { useRouter, useSession } from '../../parts/context.ts';
import { changesOf, whereWords } from '../../parts/repositories.ts';
import { Stat } from '../../parts/stat.tsx';
import { TakeBack } from '../../parts/take-back.tsx';
import { doing, firstLine } from '../../parts/words.ts';
import { pathOf } from '../../store/routes.ts';
import { needsPerson } from './groups.ts';

/** The errand that is open beside the list, and what of it shows there. */
export type Beside = { id: string | undefined; shows: 'errand' | 'changes' };
type RowProps = { task: Task; beside?: Beside['shows'] | undefined; attributes: RowAttributes };

/** One errand of the list: what it is, where, and in one line what it does or needs. */
export function TaskRow({ task, beside, attributes }: RowProps): JSX.Element {
  const acts = useSignal(false);
  const used = useSignal(false);
  const touch = useRef<PointerEvent | undefined>(undefined);
  const parts = later_parts.value;
  const { title } = task;
  const selected = beside !== undefined;
  // The errand that is open beside the list asks there; its changes alone ask only whether they are pushed.
  const need = needsPerson(task)
    ? openNeeds(task).find(({ kind }) => beside !== 'errand' && !(beside === 'changes' && kind === 'push'))
    : undefined;
  const is_spent = beside !== 'errand' && task.reason === 'budget_exhausted';
  const asks = need !== undefined || is_spent;
  useEffect(() => {
    if (asks) void loadLaterParts();
  }, [asks]);
  return (
    <li
      class={selected ? 'task selected' : 'task'}
      {...attributes}
      onPointerDown={(event) => {
        touch.current ??= event;
        used.value = true;
        void loadLaterParts();
      }}
    >
      <TaskLink task={task} selected={selected} needs={need !== undefined} />
      <button
        type="button"
        class="icon-button row-more"
        aria-label={t.inbox.actions(title)}
        onClick={() => {
          [acts.value, used.value] = [true, true];
          void loadLaterParts();
        }}
      >
        <Icon name="more" />
      </button>
      {/* Only in rows that somebody uses: what listens to a swipe is more than all else of a row. */}
      {parts && used.value && <parts.RowActions task={task} open={acts} touch={touch.current} />}
      {need && <DecisionCard task={task} need={need} parts={parts} />}
      {is_spent && parts && <parts.BudgetChoices task={task} />}
    </li>
  );
}

type TaskLinkProps = { task: Task; selected: boolean; needs: boolean };

/** `needs`: what it waits for is shown below it. */
function TaskLink({ task, selected, needs }: TaskLinkProps): JSX.Element {
  const { id, title, updated_at, ended_at, usage } = task;
  const changed = changesOf(task);
  const { words, code, since } = doing(task, now.value);
  const broke = task.status === 'failed';
  return (
    <a href={pathOf('errand', { id })} aria-current={selected ? 'page' : undefined}>
      <span class="pair">
        <b dir="auto">
          {task.unread && (
            <span class="dot">
              <span class="hidden">{t.inbox.unread}</span>
            </span>
          )}
          {title}
        </b>
        <time dateTime={ended_at ?? updated_at}>{format.age(ended_at ?? task.created_at, now.value)}</time>
      </span>
      <span class="pair">
        <span class="where">{whereOf(task)}</span>
        {changed && isEnded(task.status) ? (
          <Stat {...changed} />
        ) : (
          usage.cost_usd > 0 && <span class="stat">{format.money(usage.cost_usd)}</span>
        )}
      </span>
      {!needs && (
        <span class={broke ? 'now fault' : 'now'} dir="auto">
          {words}
          {code !== undefined && (
            <>
              {' '}
              <code>{code}</code>
            </>
          )}
          {since !== undefined && `, ${format.duration(now.value - Date.parse(since))}`}
        </span>
      )}
      {task.pulls?.map((pull) => (
        <PullChip key={pull.id} pull={pull} />
      ))}
    </a>
  );
}

/** A row while the list flies by. */
export function taskGlance({ id, title }: Task, attributes: RowAttributes): JSX.Element {
  return (
    <li key={id} class="task" {...attributes}>
      <a href={pathOf('errand', { id })}>
        <b dir="auto">{title}</b>
      </a>
    </li>
  );
}

function whereOf(task: Task): string {
  const { branch, base_branch } = task;
  const shown = branch?.replace(/^errand\/[0-9a-z]{20}-/, 'errand/…') ?? base_branch;
  return [whereWords(task), shown].filter((part) => part !== null).join(' · ');
}

/** An errand that was written and waits for the network, or what was not done to another one. */
export function UnsentRow({ entry }: { entry: Entry }): JSX.Element {
  const router = useRouter();
  const { tasks, live, files } = useSession();
  const { action, refused, failed } = entry;
  const title =
    action.do === 'send' ? firstLine(action.body.prompt) : tasks.value?.find(({ id }) => id === action.task_id)?.title;
  return (
    <li class="task unsent">
      <b dir="auto">{title}</b>
      <span class={(refused ?? failed) ? 'now fault' : 'now'}>
        {entryWords(entry, live.value, files.progress.value)}
      </span>
      <TakeBack entry={entry} onBack={() => router.go('new_errand')} />
    </li>
  );
}
