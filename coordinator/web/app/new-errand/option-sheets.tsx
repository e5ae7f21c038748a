import type { JSX } from 'preact';
import { chosen, EFFORTS } from '../../../../protocol/without-schemas.ts';
import { Sheet } from '../../parts/screen.tsx';
import { format, t } from '../../parts/speech.ts';
import { s } from '../screen-speech.ts';
import { isOffered, type Fresh } from './fresh.ts';
import type { OptionSheetProps } from './repository-sheet.tsx';
import { useBudgetMax, useOffer } from './use-offer.ts';

/** What holds where nothing is chosen. */
type Unset = { model: string; effort: string };

/** Which model works, and how hard it thinks. */
export function ModelSheet({
  fresh,
  unset = { model: s.fresh.default_model, effort: s.fresh.default },
  onChoose,
  onClose,
}: Omit<OptionSheetProps, 'onChoose'> & {
  onChoose: (change: Pick<Fresh, 'model' | 'effort'>) => void;
  unset?: Unset;
}): JSX.Element {
  const offer = useOffer();
  return (
    <Sheet label={s.fresh.model} onClose={onClose}>
      <h2>{s.fresh.model}</h2>
      <form method="dialog">
        <label class="field">
          <span>{s.fresh.model_name}</span>
          <input
            list="models"
            defaultValue={fresh.model ?? ''}
            placeholder={unset.model}
            autocapitalize="none"
            autocomplete="off"
            onInput={({ currentTarget: { value } }) => onChoose({ model: value.trim() || undefined })}
          />
          <datalist id="models">
            {offer?.models.map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
          {!isOffered(fresh, offer) && (
            <small class="fault" role="alert">
              {s.fresh.no_such_model}
            </small>
          )}
        </label>
        <label class="field">
          <span>{s.fresh.effort}</span>
          <select
            value={fresh.effort ?? ''}
            onChange={({ currentTarget: { value } }) => onChoose({ effort: chosen(EFFORTS, value) })}
          >
            <option value="">{unset.effort}</option>
            {EFFORTS.map((effort) => (
              <option key={effort} value={effort}>
                {t.effort[effort]}
              </option>
            ))}
          </select>
        </label>
        <button class="primary">{s.fresh.done}</button>
      </form>
    </Sheet>
  );
}

const BUDGETS_USD = [1, 2, 5, 10, 20];

/** The most that the errand may cost. */
export function BudgetSheet({ fresh, onChoose, onClose }: OptionSheetProps): JSX.Element {
  const max = useBudgetMax();
  const choose = (budget_usd: number | undefined): void => {
    onChoose({ budget_usd });
    onClose();
  };
  return (
    <Sheet label={s.fresh.budget} onClose={onClose}>
      <h2>{s.fresh.budget}</h2>
      <div class="chips">
        {BUDGETS_USD.filter((usd) => usd <= max).map((usd) => (
          <button
            key={usd}
            type="button"
            class="option"
            aria-pressed={fresh.budget_usd === usd}
            onClick={() => choose(usd)}
          >
            {format.money(usd)}
          </button>
        ))}
        <button
          type="button"
          class="option"
          aria-pressed={fresh.budget_usd === undefined}
          onClick={() => choose(undefined)}
        >
          {s.fresh.default_budget}
        </button>
      </div>
      <form method="dialog">
        <label class="field">
          <span>{s.fresh.budget_usd}</span>
          <input
            type="number"
            inputMode="decimal"
            min="0.01"
            max={max}
            step="0.01"
            defaultValue={fresh.budget_usd === undefined ? '' : String(fresh.budget_usd)}
            onInput={({ currentTarget: { valueAsNumber, validity } }) =>
              onChoose({ budget_usd: validity.valid && valueAsNumber > 0 ? valueAsNumber : undefined })
            }
          />
        </label>
        <button class="primary">{s.fresh.done}</button>
      </form>
    </Sheet>
  );
}
