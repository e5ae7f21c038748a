import type { JSX, RefObject } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Need, NeedAnswerCreate } from '../../../protocol/needs.ts';
import type { Task } from '../../../protocol/task.ts';
import type { Entry } from '../../client/sync/outbox-entry.ts';
import { pathOf } from '../store/routes.ts';
import { useSession } from './context.ts';
import { entryWords } from './entry-words.ts';
import { Choices } from './choices.tsx';
import { choiceWords, needWords } from './need-words.ts';
import { now } from './now.ts';
import type { AnswerDraft, OwnWords } from './own-words.tsx';
import type { Question } from './question.tsx';
import { format, t } from './speech.ts';
import { Stat } from './stat.tsx';
import { TakeBack } from './take-back.tsx';
import { takeFocus } from './take-focus.ts';
import { useOnce } from './use-once.ts';

/** The field for one's own words, and how the agent's are drawn: the list shows before they are there. */
type LaterParts = { OwnWords: typeof OwnWords; Question: typeof Question };
type CardProps = { task: Task; need: Need; parts: LaterParts | undefined };

/** One decision: what is asked, and each answer as one touch, which can be undone for a moment. */
export function DecisionCard({ task, need, parts }: CardProps): JSX.Element {
  const session = useSession();
  const entry = session.acts.entries.value.find(({ action }) => action.do === 'answer' && action.need_id === need.id);
  const card = useKeptFocus();
  return (
    <section ref={card} role="group" class="card decision" aria-label={t.needs.title}>
      {parts && need.kind === 'question' ? (
        <parts.Question text={need.question} task_id={task.id} />
      ) : (
        <Asked text={needWords(need, task)} />
      )}
      {need.kind === 'push' && (
        <a class="see" href={pathOf('changes', { id: task.id })}>
          {t.needs.changes}
          {need.diff_stat && <Stat {...need.diff_stat} />}
          {need.repositories && <small>{held(need, task)}</small>}
        </a>
      )}
      {entry ? (
        <Given need={need} entry={entry} />
      ) : (
        // With another question begins another answer.
        <Answers
          key={need.id}
          need={need}
          Words={parts?.OwnWords}
          onAnswer={(body) => session.acts.decide(task.id, need.id, body)}
        />
      )}
    </section>
  );
}

/**
 * Whoever has the focus in the card keeps it there: on the way back, where that comes in place of the answers. Once
 * they return it is on none of them: the next key would give it.
 */
function useKeptFocus(): RefObject<HTMLElement | null> {
  const card = useRef<HTMLElement>(null);
  const had_focus = card.current?.contains(document.activeElement) === true;
  useLayoutEffect(() => {
    if (!had_focus || document.activeElement !== document.body) return;
    const undo = card.current?.querySelector<HTMLElement>('.given button');
    if (undo) undo.focus();
    else takeFocus(card.current);
  });
  return card;
}

/** The names of the repositories whose work waits. */
function held({ commit, repositories = [] }: Need, task: Task): string {
  const first = commit === undefined ? [] : (task.repositories?.slice(0, 1) ?? []);
  return [...first, ...repositories].map(({ key }) => key).join(', ');
}

/** The question is the first line; what follows explains it. */
function Asked({ text }: { text: string }): JSX.Element {
  const [question = '', ...rest] = text.trim().split('\n');
  return (
    <>
      <p class="asks" dir="auto">
        {question}
      </p>
      {rest.length > 0 && (
        <p class="why" dir="auto">
          {rest.join('\n').trim()}
        </p>
      )}
    </>
  );
}

type AnswersProps = {
  need: Need;
  Words: typeof OwnWords | undefined;
  onAnswer: (body: NeedAnswerCreate) => Promise<boolean>;
};

function Answers({ need, Words, onAnswer }: AnswersProps): JSX.Element {
  const draft = useRef<AnswerDraft>(null);
  const once = useOnce();
  const { multiple, takes_text } = need;
  const answer = (choose: readonly string[], written: string): void => {
    const text = written.trim();
    const attachments = choose.includes('approve') ? [] : (draft.current?.ids() ?? []);
    const said = text === '' && choose.length === 0 ? t.attach.see : text;
    const body = {
      choose: [...choose],
      ...(said !== '' && { text: said }),
      ...(attachments.length > 0 && { attachments }),
    };
    const sent = draft.current?.sent;
    once(async () => {
      if (await onAnswer(body)) await sent?.(written, attachments);
    });
  };
  return (
    <>
      {!multiple && <Choices need={need} onTouch={(value) => answer([value], '')} />}
      {Words && (takes_text || multiple) && <Words need={need} draft={draft} onSend={answer} />}
    </>
  );
}

/** The answer on its way: it can be undone until it is sent. */
function Given({ need, entry }: { need: Need; entry: Entry }): JSX.Element | null {
  const { live } = useSession();
  const { action, tried, refused, failed, held_until } = entry;
  if (action.do !== 'answer') return null;
  const { choose, text } = action.body;
  const left_s = held_until === undefined ? 0 : Math.ceil((Date.parse(held_until) - now.value) / 1000);
  return (
    <div class="given">
      <div role="status">
        <p class="said" dir="auto">
          {[...choiceWords(need, choose), ...(text === undefined ? [] : [text])].join(' · ')}
        </p>
        {(left_s <= 0 || tried) && (
          <small class={(refused ?? failed) ? 'fault' : ''}>{entryWords(entry, live.value)}</small>
        )}
      </div>
      {/* Not in what is read aloud: it counts the seconds. */}
      <TakeBack entry={entry} {...(left_s > 0 && { label: t.needs.undo(format.number(left_s)) })} />
    </div>
  );
}
