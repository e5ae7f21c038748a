import type { JSX } from 'preact';
import { OCCASIONS } from '../../../../protocol/without-schemas.ts';
import type { Occasion } from '../../../../protocol/notifications.ts';
import { s } from '../screen-speech.ts';

type OccasionChoiceProps = {
  legend: string;
  chosen: readonly Occasion[];
  onChange: (chosen: Occasion[]) => void;
};

/** Of what somebody is told. */
export function OccasionChoice({ legend, chosen, onChange }: OccasionChoiceProps): JSX.Element {
  const change = (occasion: Occasion, wanted: boolean): void =>
    onChange(OCCASIONS.filter((each) => (each === occasion ? wanted : chosen.includes(each))));
  return (
    <fieldset class="occasions">
      <legend>{legend}</legend>
      {OCCASIONS.map((occasion) => (
        <label key={occasion}>
          <input
            type="checkbox"
            checked={chosen.includes(occasion)}
            onChange={(event) => change(occasion, event.currentTarget.checked)}
          />
          {s.notify.occasions[occasion]}
        </label>
      ))}
    </fieldset>
  );
}
