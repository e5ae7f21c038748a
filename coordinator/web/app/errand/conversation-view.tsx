import type { JSX } from 'preact';
import { useCallback, useEffect, useMemo, useRef } from 'preact/hooks';
import type { Need } from '../../../../protocol/needs.ts';
import type { Task } from '../../../../protocol/task.ts';
import { openNeeds } from '../../../../protocol/without-schemas.ts';
import type { Draft } from '../../../client/errand/drafts.ts';
import type { Item } from '../../../client/errand/items.ts';
import { groupReads, withoutEchoes } from '../../../client/errand/group.ts';
import type { Entry } from '../../../client/sync/outbox-entry.ts';
import { OwnWords } from '../../parts/own-words.tsx';
import { Question } from '../../parts/question.tsx';
import { useSession } from '../../parts/context.ts';
import { DecisionCard } from '../../parts/decision-card.tsx';
import { Icon } from '../../parts/icons.tsx';
import { Markdown } from '../../parts/markdown.tsx';
import { t } from '../../parts/speech.ts';
import { s } from '../screen-speech.ts';
import type { OpenErrand } from '../../store/open-errand.ts';
import { BudgetChoices } from './budget-choices.tsx';
import { useBeginning } from './use-beginning.ts';
import { useFollowEnd } from './follow-end.ts';
import { PullCards } from './pull-cards.tsx';
import { ResultCard } from './result-card.tsx';
import { MoreRows } from './more-rows.tsx';
import { UnsentMessage } from './message.tsx';
import { ItemRow } from './rows.tsx';
import { mayLackToken, TokenLinks } from './token-links.tsx';
import { useRowWindow } from './use-row-window.ts';

type ConversationProps = {
  task: Task;
  errand: OpenErrand;
  /** More money was chosen: this is the budget now, in US dollars. */
  onBudget: (budget_usd: number) => void;
  onScroll: () => void;
};

/** The conversation, opened at its end. What comes is added below, and does not move what one reads. */
export function ConversationView({ task, errand, onBudget, onScroll }: ConversationProps): JSX.Element {
  const { id } = task;
  const { items, drafts, loaded, failed, has_beginning } = errand;
  const list = useRef<HTMLDivElement>(null);
  const session = useSession();
  const live = session.live.value?.kind === 'live';
  const needs = openNeeds(task);
  const asked = needs.map(({ question }) => question).join('\n');
  // An open question is drawn with its answers, below the rows.
  const rows = useMemo(() => groupReads(withoutEchoes(items.filter((item) => !isAsked(item, needs)))), [items, asked]);
  const unsent = session.acts.entries.value.filter((entry) => isUnsent(entry, { id, items, needs, live }));
  const is_whole = useRef(true);
  const { follows, toEnd } = useFollowEnd(list, is_whole, onScroll);
  const { from, end, earlier, later, toBeginning } = useRowWindow(
    rows,
    follows.value,
    has_beginning ? undefined : () => session.earlier(id),
  );
  is_whole.current = end === rows.length;
  useEffect(() => {
    // Whoever reads further up needs what is in front.
    if (follows.value) session.shorten(id);
  }, [session, id, items, follows.value]);
  const has_earlier = from > 0 || (items.length > 0 && !has_beginning);
  const beginning = useBeginning(list, id, { follows, is_shown: !has_earlier, show: toBeginning });
  const was_cut = useRef(false);
  was_cut.current ||= has_earlier;
  const unseen = useUnseen(rows, follows.value);
  const onCut = useCallback((ids: readonly number[]) => session.whole(id, ids), [session, id]);
  const outputs = new Map(drafts.filter(({ kind }) => kind === 'output').map(({ ref, text }) => [`t-${ref}`, text]));
  return (
    <div class="talk-frame">
      <div class="body talk" ref={list} role="log" aria-label={s.errand.conversation} tabIndex={0}>
        {/* Without keys one edge may be taken for the other, and the rows between them are drawn anew. */}
        {has_earlier ? (
          <MoreRows key="earlier" list={list} label={t.errand.earlier} onMore={earlier} />
        ) : (
          // The first row stays where it is.
          was_cut.current && <div key="beginning" class="more-rows" />
        )}
        {items.length === 0 && (!loaded || failed) && <p class="soft">{loaded ? s.reading.no_log : t.loading}</p>}
        <ol key="rows">
          {rows.slice(from, end).map((row) => (
            <ItemRow key={row.key} row={row} writing={outputs.get(row.key)} task={task} onCut={onCut} />
          ))}
          {is_whole.current && <Unfinished drafts={drafts} unsent={unsent} status={task.status} />}
        </ol>
        {is_whole.current ? (
          <Below key="below" task={task} needs={needs} onBudget={onBudget} />
        ) : (
          <MoreRows key="later" list={list} label={s.errand.later} onMore={later} />
        )}
      </div>
      {!follows.value && <Ends beginning={has_earlier ? beginning : undefined} unseen={unseen} toEnd={toEnd} />}
    </div>
  );
}

type EndsProps = { beginning: ReturnType<typeof useBeginning> | undefined; unseen: number; toEnd: () => void };

/** The ways to both ends, for a reader who is at neither. */
function Ends({ beginning, unseen, toEnd }: EndsProps): JSX.Element {
  return (
    <div class="ends">
      {beginning && <ToBeginning {...beginning} />}
      <button type="button" onClick={toEnd} aria-label={s.errand.to_end}>
        {unseen > 0 && s.errand.new_rows(unseen)}
        <Icon name="down" />
      </button>
    </div>
  );
}

function ToBeginning({ going, note, go }: ReturnType<typeof useBeginning>): JSX.Element {
  const label = going ? undefined : s.errand.to_beginning;
  return (
    <>
      {note !== '' && (
        <p class="fault" role="alert">
          {note}
        </p>
      )}
      <button type="button" class="to-beginning" onClick={go} aria-label={label} aria-busy={going}>
        {going && t.loading}
        <Icon name="down" />
      </button>
    </>
  );
}

/** How many rows have come since the reader was at the end. By its key: earlier rows that come in above are not new. */
function useUnseen(rows: readonly { key: string }[], follows: boolean): number {
  const seen = useRef(rows.at(-1)?.key);
  if (follows) seen.current = rows.at(-1)?.key;
  const last_seen = rows.findLastIndex(({ key }) => key === seen.current);
  return last_seen < 0 ? 0 : rows.length - 1 - last_seen;
}

type UnfinishedProps = Pick<Task, 'status'> & { drafts: readonly Draft[]; unsent: readonly Entry[] };

/** Text that is being written, and messages that the server has not confirmed. */
function Unfinished({ drafts, unsent, status }: UnfinishedProps): JSX.Element {
  return (
    <>
      {drafts.map((draft) => (
        <DraftRow key={`d-${draft.ref}`} draft={draft} />
      ))}
      {unsent.map((entry) => (
        <UnsentMessage key={entry.key} entry={entry} status={status} />
      ))}
    </>
  );
}

type BelowProps = Pick<ConversationProps, 'task' | 'onBudget'> & { needs: readonly Need[] };

/** What stands below the last row. */
function Below({ task, needs, onBudget }: BelowProps): JSX.Element {
  return (
    <>
      {task.result && task.ended_at !== null && <ResultCard task={task} />}
      <PullCards task={task} />
      {mayLackToken(task) && <TokenLinks task={task} />}
      {needs.map((need) => (
        <DecisionCard key={need.id} task={task} need={need} parts={{ OwnWords, Question }} />
      ))}
      {task.reason === 'budget_exhausted' && <BudgetChoices task={task} onChoose={onBudget} />}
    </>
  );
}

type Shown = { id: string; items: readonly Item[]; needs: readonly Need[]; live: boolean };

/**
 * Whether an entry of the outbox is about this errand, and shows: the server has no event of it yet. What is not a
 * message shows once it is refused or fails, and while there is no connection, so that it can be taken back.
 */
function isUnsent(entry: Entry, { id, items, needs, live }: Shown): boolean {
  const { action, message_id } = entry;
  const is_stuck = (entry.refused ?? entry.failed) !== undefined;
  if (action.do === 'send' || action.task_id !== id) return false;
  switch (action.do) {
    case 'say':
      return !items.some(
        (item) => item.kind === 'person' && item.message_id !== null && item.message_id === message_id,
      );
    // The card of an open decision shows its answer.
    case 'answer':
      return is_stuck && !needs.some((need) => need.id === action.need_id);
    case 'stop':
    case 'retry':
    case 'archive':
      return is_stuck || !live;
    // The message itself shows these.
    case 'reword':
    case 'unsay':
      return false;
  }
}

function isAsked(item: Item, needs: readonly Need[]): boolean {
  return item.kind === 'question' && item.state === 'open' && needs.some(({ question }) => question === item.question);
}

/** Text while it is written. The output of a tool shows with its tool. */
function DraftRow({ draft: { kind, text } }: { draft: Draft }): JSX.Element | null {
  if (kind === 'output') return null;
  return (
    // Read aloud once it is whole.
    <li class={kind === 'thinking' ? 'thinking writing' : 'writing'} aria-live="off">
      {kind === 'thinking' ? <p class="thought-text">{text}</p> : <Markdown text={text} />}
    </li>
  );
}
