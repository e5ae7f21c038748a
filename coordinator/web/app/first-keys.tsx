import type { JSX } from 'preact';
import { s } from './screen-speech.ts';

/** What a keyboard does where nothing is open. */
export function FirstKeys(): JSX.Element {
  return (
    <dl class="keys">
      <div>
        <dt>
          <kbd>c</kbd>
        </dt>
        <dd>{s.keys.new_errand}</dd>
      </div>
      <div>
        <dt>
          <kbd>?</kbd>
        </dt>
        <dd>{s.keys.all}</dd>
      </div>
    </dl>
  );
}
