import type { JSX } from 'preact';
import type { Need } from '../../../protocol/needs.ts';
import { optionWords } from './need-words.ts';

type ChoicesProps = {
  need: Need;
  /** Those that are ticked; absent: a touch answers. */
  ticked?: readonly string[];
  onTouch: (value: string) => void;
};

/** What can be chosen of a decision. Work is sent back with words, which are the answer. */
export function Choices({ need, ticked, onTouch }: ChoicesProps): JSX.Element {
  const options = need.options.filter(({ value }) => !(need.kind === 'push' && value === 'send_back'));
  return (
    <div class="choices">
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          class={need.kind !== 'question' && option === options[0] ? 'choice main' : 'choice'}
          aria-pressed={ticked?.includes(option.value)}
          onClick={() => onTouch(option.value)}
          dir="auto"
        >
          {optionWords(need, option)}
        </button>
      ))}
    </div>
  );
}
