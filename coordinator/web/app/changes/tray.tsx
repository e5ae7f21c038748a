import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { LIMITS } from '../../../../protocol/limits.ts';
import { Icon } from '../../parts/icons.tsx';
import { format } from '../../parts/speech.ts';
import { s } from '../screen-speech.ts';
import { toMessage, type Comment } from './comments.ts';
import { ToPush } from './push-decision.tsx';

type TrayProps = { id: string; comments: readonly Comment[]; onSend: () => void };

/**
 * The comments that wait to be sent, as one message. They stay here while that would be too long. Without any, the way
 * to the decision about the push.
 */
export function Tray({ id, comments, onSend }: TrayProps): JSX.Element | null {
  if (comments.length === 0) return <ToPush id={id} />;
  const beyond = toMessage(comments).length - LIMITS.text_chars_max;
  if (beyond > 0)
    return (
      <p class="tray fault" role="status">
        {s.reading.too_long(format.number(beyond))}
      </p>
    );
  return <Send count={comments.length} onSend={onSend} />;
}

/** Control and Enter send too, outside of a form: in one they end it. */
function Send({ count, onSend }: { count: number; onSend: () => void }): JSX.Element {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.defaultPrevented) return;
      if (document.activeElement?.closest('form, dialog')) return;
      event.preventDefault();
      onSend();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  });
  return (
    <button type="button" class="tray" onClick={onSend}>
      {s.changes.send(count)}
      <Icon name="send" />
    </button>
  );
}
