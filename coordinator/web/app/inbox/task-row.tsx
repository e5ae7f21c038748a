import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { isEnded, type Task } from '../../../../protocol/task.ts';
import type { Entry } from '../../../client/sync/outbox.ts';
import { BudgetChoices } from '../../parts/budget-choices.tsx';
import { useSession } from '../../parts/context.ts';
import { Icon } from '../../parts/icons.tsx';
import type { RowAttributes } from './long-list.tsx';
import { now } from '../../parts/now.ts';
import { format, t } from '../../parts/speech.ts';
import { Stat } from '../../parts/stat.tsx';
import { doing, firstLine, repositoryName } from '../../parts/words.ts';
import { pathOf } from '../../store/routes.ts';

type RowProps = { task: Task; selected: boolean; attributes: RowAttributes };

/** One errand of the list: what it is, where, and in one line what it does or needs. */
export function TaskRow({ task, selected, attributes }: RowProps): JSX.Element {
  const { id, title, updated_at, ended_at, usage, result } = task;
  const { words, code, since } = doing(task, now.value);
  const needs = task.status === 'waiting';
  const broke = task.status === 'failed';
  return (
    <li class={selected ? 'task selected' : 'task'} {...attributes}>
      <a href={pathOf('errand', { id })} aria-current={selected ? 'page' : undefined}>
        <b dir="auto">{title}</b>
        <time dateTime={ended_at ?? updated_at}>{format.age(ended_at ?? task.created_at, now.value)}</time>
        <span class="where">{whereOf(task)}</span>
        {result && isEnded(task.status) ? (
          <Stat {...result.diff_stat} />
        ) : (
          usage.cost_usd > 0 && <span class="stat">{format.money(usage.cost_usd)}</span>
        )}
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
      </a>
      {needs && <Question task={task} />}
      {task.reason === 'budget_exhausted' && <BudgetChoices task={task} />}
    </li>
  );
}

function whereOf({ repo_url, branch, base_branch }: Task): string {
  const shown = branch?.replace(/^errand\/[0-9a-z]{20}-/, 'errand/…') ?? base_branch;
  return [repositoryName(repo_url), shown].filter((part) => part !== null).join(' · ');
}

/** The question, answered right here. */
function Question({ task }: { task: Task }): JSX.Element {
  const session = useSession();
  const text = useSignal('');
  const { waiting_for } = task;
  const question = waiting_for?.kind === 'person' ? waiting_for.question : t.waiting.person;
  const answer = session.entries.value.find(({ action }) => action.do === 'say' && action.task_id === task.id);
  if (answer?.action.do === 'say')
    return (
      <div class="card">
        <p dir="auto">{firstLine(question)}</p>
        <p class="said" dir="auto">
          {answer.action.body.text}
        </p>
        <small>{answer.tried ? t.errand.sending : t.errand.waits_to_be_sent}</small>
      </div>
    );
  return (
    <form
      class="card"
      onSubmit={(event) => {
        event.preventDefault();
        const said = text.value.trim();
        text.value = '';
        if (said !== '') void session.say(task.id, said);
      }}
    >
      <QuestionText text={question} />
      <div class="answer">
        <input
          value={text.value}
          placeholder={t.inbox.answer}
          aria-label={t.inbox.answer}
          onInput={({ currentTarget }) => (text.value = currentTarget.value)}
        />
        <button type="submit" class="round" aria-label={t.errand.send} disabled={text.value.trim() === ''}>
          <Icon name="send" />
        </button>
      </div>
    </form>
  );
}

/** The question is the first line; what follows explains it. */
function QuestionText({ text }: { text: string }): JSX.Element {
  const [question = '', ...rest] = text.trim().split('\n');
  return (
    <>
      <p dir="auto">{question}</p>
      {rest.length > 0 && (
        <p class="why" dir="auto">
          {rest.join('\n').trim()}
        </p>
      )}
    </>
  );
}

/** An errand that was written and waits for the network. */
export function UnsentRow({ entry }: { entry: Entry }): JSX.Element | null {
  const session = useSession();
  const { action, refused, tried, key } = entry;
  if (action.do !== 'send') return null;
  return (
    <li class="task unsent">
      <b dir="auto">{firstLine(action.body.prompt)}</b>
      <span class="now">
        {refused ? t.errand.refused(refused.detail) : tried ? t.errand.sending : t.errand.waits_to_be_sent}
      </span>
      {(!tried || refused) && (
        <button type="button" class="quiet" onClick={() => void session.takeBack(key)}>
          {refused ? t.errand.dismiss : t.errand.take_back}
        </button>
      )}
    </li>
  );
}
