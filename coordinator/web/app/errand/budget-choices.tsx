import type { JSX } from 'preact';
import type { Task } from '../../../../protocol/task.ts';
import { useSession } from '../../parts/context.ts';
import { format, t } from '../../parts/speech.ts';
import { setArchived } from '../inbox/archive-undo.tsx';
import { toCents } from '../new-errand/fresh.ts';
import { useBudgetMax } from '../new-errand/use-offer.ts';
import { s } from '../screen-speech.ts';

/** What may be added to a budget that is spent, in US dollars. */
const STEPS = [2, 5];
const CENT = 0.01;

type BudgetProps = {
  task: Task;
  /** Goes on with this budget in US dollars, and with what one has written; absent: with nothing more. */
  onChoose?: (budget_usd: number) => void;
};

/** The budget is spent: more of it, and the errand goes on. */
export function BudgetChoices({ task, onChoose }: BudgetProps): JSX.Element {
  const session = useSession();
  const asked = session.acts.asked('retry', task.id);
  const choose = onChoose ?? ((budget_usd) => void session.acts.retry(task.id, budget_usd));
  const spent = Math.max(task.budget_usd, task.usage.cost_usd);
  const max = useBudgetMax();
  const left = max - spent;
  return (
    <div class="card">
      <p>{t.needs.budget(t.errand.of(format.money(task.usage.cost_usd), format.money(task.budget_usd)))}</p>
      {/* What is above the bound stays, so that nothing moves under a finger once that is known. */}
      <div class="choices">
        {STEPS.map((step, i) => (
          <button
            key={step}
            type="button"
            class={i === 0 ? 'choice main' : 'choice'}
            disabled={asked || step > left}
            onClick={() => choose(toCents(spent + step))}
          >
            {s.errand.budget_more(format.money(step))}
          </button>
        ))}
        {onChoose && (
          <OwnAmount max={left} disabled={asked || left < CENT} onAdd={(usd) => choose(toCents(spent + usd))} />
        )}
        {task.archived !== true && (
          <button type="button" class="choice" disabled={asked} onClick={() => setArchived(session, task, true)}>
            {t.needs.option['end']}
          </button>
        )}
      </div>
      {STEPS.some((step) => step > left) && <p>{s.errand.budget_max(format.money(max))}</p>}
    </div>
  );
}

type AmountProps = { max: number; disabled: boolean; onAdd: (usd: number) => void };

function OwnAmount({ max, disabled, onAdd }: AmountProps): JSX.Element {
  return (
    <form
      class="own-amount"
      onSubmit={(event) => {
        event.preventDefault();
        const usd = Number(new FormData(event.currentTarget).get('usd'));
        if (usd > 0) onAdd(usd);
      }}
    >
      <label class="field">
        <span>{s.errand.budget_other}</span>
        <input
          name="usd"
          type="number"
          inputMode="decimal"
          min={CENT}
          max={max}
          step={CENT}
          disabled={disabled}
          required
        />
      </label>
      <button class="choice" disabled={disabled}>
        {s.errand.budget_add}
      </button>
    </form>
  );
}
