import type { JSX } from 'preact';
import { LIMITS } from '../../../../protocol/limits.ts';
import { Icon } from '../../parts/icons.tsx';
import { format } from '../../parts/speech.ts';
import { s } from '../screen-speech.ts';
import { toMessage, type Comment } from './comments.ts';

/** The comments that wait to be sent, as one message. They stay here while that would be too long. */
export function Tray({ comments, onSend }: { comments: readonly Comment[]; onSend: () => void }): JSX.Element | null {
  if (comments.length === 0) return null;
  const beyond = toMessage(comments).length - LIMITS.text_chars_max;
  if (beyond > 0)
    return (
      <p class="tray fault" role="status">
        {s.reading.too_long(format.number(beyond))}
      </p>
    );
  return (
    <button type="button" class="tray" onClick={onSend}>
      {s.changes.send(comments.length)}
      <Icon name="send" />
    </button>
  );
}
