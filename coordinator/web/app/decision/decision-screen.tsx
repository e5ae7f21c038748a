import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { openNeeds } from '../../../../protocol/without-schemas.ts';
import { OwnWords } from '../../parts/own-words.tsx';
import { useSession } from '../../parts/context.ts';
import { DecisionCard } from '../../parts/decision-card.tsx';
import { Question } from '../../parts/question.tsx';
import { Screen } from '../../parts/screen.tsx';
import { t } from '../../parts/speech.ts';
import { whereWords } from '../../parts/repositories.ts';
import { pathOf } from '../../store/routes.ts';
import { NotHere } from '../errand/not-here.tsx';

/** The decisions of one errand, alone: where a notification leads. */
export function DecisionScreen({ id }: { id: string }): JSX.Element {
  const session = useSession();
  useEffect(() => session.open(id), [session, id]);
  const task = session.tasks.value?.find((each) => each.id === id);
  const needs = task ? openNeeds(task) : [];
  return (
    <Screen title={t.needs.title} parent={{ name: 'errand', params: { id } }}>
      <div class="body decisions">
        {task && (
          <a class="about" href={pathOf('errand', { id })}>
            <b dir="auto">{task.title}</b>
            <span>{whereWords(task)}</span>
          </a>
        )}
        {task &&
          needs.map((need) => <DecisionCard key={need.id} task={task} need={need} parts={{ OwnWords, Question }} />)}
        {!task && <NotHere errand={session.errand(id).value} />}
        {task && needs.length === 0 && (
          <div class="empty">
            <p>{t.needs.none}</p>
            <a class="choice" href={pathOf('errand', { id })}>
              {t.needs.open_errand}
            </a>
          </div>
        )}
      </div>
    </Screen>
  );
}
