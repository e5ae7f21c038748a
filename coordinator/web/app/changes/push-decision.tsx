import type { JSX } from 'preact';
import type { Need } from '../../../../protocol/needs.ts';
import type { Task } from '../../../../protocol/task.ts';
import { openNeeds } from '../../../../protocol/without-schemas.ts';
import { useSession } from '../../parts/context.ts';
import { DecisionCard } from '../../parts/decision-card.tsx';
import { OwnWords } from '../../parts/own-words.tsx';
import { Question } from '../../parts/question.tsx';
import { Icon } from '../../parts/icons.tsx';
import { takeFocus } from '../../parts/take-focus.ts';
import { s } from '../screen-speech.ts';

/** Whether the changes are pushed, below them: whoever has read them decides there. */
export function PushDecision({ id }: { id: string }): JSX.Element | null {
  const push = usePush(id);
  return push ? <DecisionCard {...push} parts={{ OwnWords, Question }} /> : null;
}

/** The way to that decision, until it is made. */
export function ToPush({ id }: { id: string }): JSX.Element | null {
  const { acts } = useSession();
  const push = usePush(id);
  const is_made = acts.entries.value.some(({ action }) => action.do === 'answer' && action.need_id === push?.need.id);
  if (!push || is_made) return null;
  return (
    <button type="button" class="tray" onClick={showDecision}>
      {s.changes.to_push}
      <Icon name="down" />
    </button>
  );
}

function showDecision(): void {
  const card = document.querySelector<HTMLElement>('.changes .decision');
  card?.scrollIntoView({ block: 'end' });
  // Not on its first answer: a second key would push.
  takeFocus(card);
}

function usePush(id: string): { task: Task; need: Need } | undefined {
  const task = useSession().tasks.value?.find((each) => each.id === id);
  const need = task && openNeeds(task).find(({ kind }) => kind === 'push');
  return task && need && { task, need };
}
