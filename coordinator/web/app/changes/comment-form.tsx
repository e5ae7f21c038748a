import type { JSX } from 'preact';
import { GrowingField } from '../../parts/growing-field.tsx';
import { CancelText } from '../cancel-text.tsx';
import { s } from '../screen-speech.ts';
import type { Comments } from './use-comments.ts';

/** The form of a comment. What is written in it survives the app. */
export function CommentForm({ comments, index }: { comments: Comments; index: number }): JSX.Element {
  const { line = 0, words = '' } = comments.placed[index] ?? {};
  const half = comments.half(index);
  const submit = (): void => comments.end(index, half.trim());
  return (
    <form
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
      <CancelText loses={half.trim() !== '' && half !== words} onCancel={() => comments.end(index, words)} />
    </form>
  );
}
