import type { JSX } from 'preact';
import { s } from '../screen-speech.ts';
import { placeWords, quote, type Comment } from './comments.ts';

type LostProps = { comments: readonly Comment[]; onChange: (comments: readonly Comment[]) => void };

/** The comments whose lines are not in the diff any more. They are sent with the others. */
export function LostComments({ comments, onChange }: LostProps): JSX.Element | null {
  const lost = comments.filter((comment) => comment.lost === true);
  if (lost.length === 0) return null;
  return (
    <section class="lost-comments" aria-label={s.reading.lost}>
      <p class="soft">{s.reading.lost}</p>
      {lost.map((comment) => (
        <div key={JSON.stringify(comment)} class="note-on-line">
          <b dir="auto">{placeWords(comment)}</b> · {s.changes.waits}
          <code dir="ltr">{quote(comment.code)}</code>
          <p dir="auto">{comment.words}</p>
          <button type="button" class="quiet" onClick={() => onChange(comments.filter((each) => each !== comment))}>
            {s.changes.remove}
          </button>
        </div>
      ))}
    </section>
  );
}
