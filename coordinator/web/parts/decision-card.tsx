import { useSignal } from '@preact/signals';
import type { JSX, RefObject } from 'preact';
import { useRef } from 'preact/hooks';
import type { Need, NeedAnswerCreate } from '../../../protocol/needs.ts';
import type { Task } from '../../../protocol/task.ts';
import type { Entry } from '../../client/sync/outbox.ts';
import { pathOf } from '../store/routes.ts';
import type { AnswerDraft, AnswerFiles } from './answer-files.tsx';
import { useSession } from './context.ts';
import { Icon } from './icons.tsx';
import { choiceWords, needWords, optionWords } from './need-words.ts';
import { now } from './now.ts';
import { format, t } from './speech.ts';
import { Stat } from './stat.tsx';

/** What takes the files of an answer: the list shows before it is there. */
type TakesAnswerFiles = typeof AnswerFiles | undefined;
type CardProps = { task: Task; need: Need; files: TakesAnswerFiles };

/** One decision: what is asked, and each answer as one touch, which can be undone for a moment. */
export function DecisionCard({ task, need, files }: CardProps): JSX.Element {
  const session = useSession();
  const entry = session.entries.value.find(({ action }) => action.do === 'answer' && action.need_id === need.id);
  const words = needWords(need, task);
  return (
    <section role="group" class="card decision" aria-label={t.needs.title}>
      <Asked text={words} />
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
        <Answers need={need} files={files} onAnswer={(body) => void session.decide(task.id, need.id, body)} />
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

type AnswersProps = { need: Need; files: TakesAnswerFiles; onAnswer: (body: NeedAnswerCreate) => void };

function Answers({ need, files, onAnswer }: AnswersProps): JSX.Element {
  const chosen = useSignal<readonly string[]>([]);
  const draft = useRef<AnswerDraft>(null);
  const { multiple, takes_text } = need;
  // Work is sent back with words, which are the answer.
  const options = need.options.filter(({ value }) => !(need.kind === 'push' && value === 'send_back'));
  const answer = (choose: string[], text: string): void => {
    const attachments = choose.includes('approve') ? [] : (draft.current?.take() ?? []);
    const said = text === '' && choose.length === 0 ? t.attach.see : text;
    onAnswer({ choose, ...(said !== '' && { text: said }), ...(attachments.length > 0 && { attachments }) });
  };
  const touch = (value: string): void => {
    if (!multiple) return answer([value], '');
    const others = chosen.value.filter((each) => each !== value);
    chosen.value = others.length < chosen.value.length ? others : [...others, value];
  };
  return (
    <>
      {multiple && <small>{t.needs.several}</small>}
      <div class="choices">
        {options.map((option) => (
          <button
            key={option.value}
            type="button"
            class={need.kind !== 'question' && option === options[0] ? 'choice main' : 'choice'}
            aria-pressed={multiple ? chosen.value.includes(option.value) : undefined}
            onClick={() => touch(option.value)}
            dir="auto"
          >
            {optionWords(need, option)}
          </button>
        ))}
      </div>
      {(takes_text || multiple) && (
        <OwnWords
          need={need}
          files={files}
          draft={draft}
          may_be_empty={chosen.value.length > 0}
          onSend={(text) => answer([...chosen.value], text)}
        />
      )}
    </>
  );
}

type OwnWordsProps = {
  need: Need;
  files: TakesAnswerFiles;
  draft: RefObject<AnswerDraft | null>;
  may_be_empty: boolean;
  onSend: (text: string) => void;
};

function OwnWords({ need, files: Files, draft, may_be_empty, onSend }: OwnWordsProps): JSX.Element {
  const text = useSignal('');
  const count = useSignal(0);
  const label = need.kind === 'push' ? t.needs.send_back : t.needs.answer;
  const can_send = text.value.trim() !== '' || may_be_empty || count.value > 0;
  return (
    <form
      class="answer"
      onPaste={(event) => draft.current?.onPaste(event)}
      onDrop={(event) => draft.current?.onDrop(event)}
      onDragOver={(event) => draft.current?.onDragOver(event)}
      onSubmit={(event) => {
        event.preventDefault();
        if (can_send) onSend(text.value.trim());
      }}
    >
      <input
        value={text.value}
        placeholder={label}
        aria-label={label}
        dir="auto"
        onInput={({ currentTarget }) => (text.value = currentTarget.value)}
      />
      {Files && <Files need_id={need.id} draft={draft} onCount={(files) => (count.value = files)} />}
      <button type="submit" class="round" aria-label={t.needs.send} disabled={!can_send}>
        <Icon name="send" />
      </button>
    </form>
  );
}

/** The answer on its way: it can be undone until it is sent. */
function Given({ need, entry }: { need: Need; entry: Entry }): JSX.Element | null {
  const session = useSession();
  const { action, tried, refused, held_until, key } = entry;
  if (action.do !== 'answer') return null;
  const { choose, text } = action.body;
  const left_s = held_until === undefined ? 0 : Math.ceil((Date.parse(held_until) - now.value) / 1000);
  const words = refused ? t.errand.refused(refused.detail) : tried ? t.errand.sending : t.errand.waits_to_be_sent;
  return (
    <div class="given" role="status">
      <p class="said" dir="auto">
        {[...choiceWords(need, choose), ...(text === undefined ? [] : [text])].join(' · ')}
      </p>
      {(left_s <= 0 || tried) && <small class={refused ? 'fault' : ''}>{words}</small>}
      {(!tried || refused) && (
        <button type="button" class="quiet" onClick={() => void session.takeBack(key)}>
          {refused ? t.errand.dismiss : left_s > 0 ? t.needs.undo(format.number(left_s)) : t.errand.take_back}
        </button>
      )}
    </div>
  );
}
