import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
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
import { format, t } from './speech.ts';
import { Stat } from './stat.tsx';
import { TakeBack } from './take-back.tsx';
import { useOnce } from './use-once.ts';

/** The field for one's own words: the list shows before it is there. */
type WordsField = typeof OwnWords | undefined;
type CardProps = { task: Task; need: Need; words: WordsField };

/** One decision: what is asked, and each answer as one touch, which can be undone for a moment. */
export function DecisionCard({ task, need, words }: CardProps): JSX.Element {
  const session = useSession();
  const entry = session.acts.entries.value.find(({ action }) => action.do === 'answer' && action.need_id === need.id);
  return (
    <section role="group" class="card decision" aria-label={t.needs.title}>
      <Asked text={needWords(need, task)} />
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
          words={words}
          onAnswer={(body) => session.acts.decide(task.id, need.id, body)}
        />
      )}
    </section>
  );
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

type AnswersProps = { need: Need; words: WordsField; onAnswer: (body: NeedAnswerCreate) => Promise<boolean> };

function Answers({ need, words: Words, onAnswer }: AnswersProps): JSX.Element {
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
  const { action, tried, refused, failed, held_until } = entry;
  if (action.do !== 'answer') return null;
  const { choose, text } = action.body;
  const left_s = held_until === undefined ? 0 : Math.ceil((Date.parse(held_until) - now.value) / 1000);
  return (
    <div class="given" role="status">
      <p class="said" dir="auto">
        {[...choiceWords(need, choose), ...(text === undefined ? [] : [text])].join(' · ')}
      </p>
      {(left_s <= 0 || tried) && <small class={(refused ?? failed) ? 'fault' : ''}>{entryWords(entry)}</small>}
      <TakeBack entry={entry} {...(left_s > 0 && { label: t.needs.undo(format.number(left_s)) })} />
    </div>
  );
}
