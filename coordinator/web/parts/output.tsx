import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { parseAnsi } from './ansi.ts';
import { t } from './speech.ts';

/** The end of a long output is shown at first: that is where the outcome is. */
const LINES_SHOWN = 14;

/** Output of a command, in its colours. */
export function Output({ text }: { text: string }): JSX.Element {
  const whole = useSignal(false);
  const lines = text.trimEnd().split('\n');
  const hidden = whole.value ? 0 : Math.max(0, lines.length - LINES_SHOWN);
  if (text.trim() === '') return <p class="out none">{t.errand.no_output}</p>;
  return (
    <>
      {hidden > 0 && (
        <button type="button" class="out-more" onClick={() => (whole.value = true)}>
          {t.errand.lines_more(hidden)}
        </button>
      )}
      <pre class="out" tabIndex={0}>
        {parseAnsi(lines.slice(hidden).join('\n')).map((part, i) => (
          <span key={i} class={part.classes}>
            {part.text}
          </span>
        ))}
      </pre>
    </>
  );
}
