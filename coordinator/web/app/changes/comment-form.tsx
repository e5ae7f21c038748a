import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { GrowingField } from '../../parts/growing-field.tsx';
import { CancelText } from '../cancel-text.tsx';
import { s } from '../screen-speech.ts';
import type { Comments } from './use-comments.ts';

/** The form of a comment. What is written in it survives the app. */
export function CommentForm({ comments, index }: { comments: Comments; index: number }): JSX.Element {
  const { line = 0, words = '' } = comments.placed[index] ?? {};
  const half = comments.half(index);
  const form = useRef<HTMLFormElement>(null);
  const end = (said: string): void => {
    const line = form.current?.previousElementSibling;
    comments.end(index, said);
    requestAnimationFrame(() => goOn(line));
  };
  const submit = (): void => end(half.trim());
  return (
    <form
      ref={form}
      class="note-on-line"
      aria-label={s.changes.comment_on(String(line))}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <GrowingField
        // A form that was left half written is not written in now.
        autofocus={half === words}
        value={half}
        label={s.changes.placeholder}
        onInput={(written) => comments.write(index, written)}
        onSend={submit}
      />
      <button type="submit" class="quiet" disabled={half.trim() === ''}>
        {s.changes.add}
      </button>
      <CancelText loses={half.trim() !== '' && half !== words} onCancel={() => end(words)} />
    </form>
  );
}

/** The focus goes on at the note that came in place of the form, or else at its line. */
function goOn(line: Element | null | undefined): void {
  const note = line?.nextElementSibling;
  const next = note?.matches('.note-on-line') ? note.querySelector('button') : line;
  if (next instanceof HTMLElement) next.focus({ preventScroll: true });
}
