import type { JSX } from 'preact';
import type { Task } from '../../../protocol/task.ts';
import { useSession } from './context.ts';
import { format, t } from './speech.ts';

/** What may be added to a budget that is spent, in US dollars. */
const STEPS = [2, 5];

/** The budget is spent: more of it, and the errand goes on. */
export function BudgetChoices({ task }: { task: Task }): JSX.Element {
  const session = useSession();
  const asked = session.acts.asked('retry', task.id);
  return (
    <div class="card">
      <p>
        {t.reason.budget_exhausted}: {t.errand.of(format.money(task.usage.cost_usd), format.money(task.budget_usd))}
      </p>
      <div class="choices">
        {STEPS.map((step, i) => (
          <button
            key={step}
            type="button"
            class={i === 0 ? 'choice main' : 'choice'}
            disabled={asked}
            onClick={() => void session.acts.retry(task.id, task.budget_usd + step)}
          >
            {t.errand.budget_more(format.money(step))}
          </button>
        ))}
      </div>
    </div>
  );
}
