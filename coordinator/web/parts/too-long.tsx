import type { JSX } from 'preact';
import { LIMITS } from '../../../protocol/limits.ts';
import { format, t } from './speech.ts';

/** Whether a text is longer than the server takes. */
export const isTooLong = (text: string): boolean => text.trim().length > LIMITS.text_chars_max;

/** Says why a text that is too long cannot be sent. */
export function TooLong({ text }: { text: string }): JSX.Element | null {
  if (!isTooLong(text)) return null;
  return (
    <p class="fault" role="status">
      {t.errand.too_long(format.number(text.trim().length), format.number(LIMITS.text_chars_max))}
    </p>
  );
}
