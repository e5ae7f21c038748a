import type { JSX } from 'preact';
import { s } from '../screen-speech.ts';
import { CommentForm } from './comment-form.tsx';
import { isSaid, placeWords, quote } from './comments.ts';
import type { Comments } from './use-comments.ts';

/** The comments whose lines are not in the diff any more. They are sent with the others. */
export function LostComments({ comments }: { comments: Comments }): JSX.Element | null {
  const lost = comments.placed.flatMap((comment, index) =>
    comment.lost === true && (isSaid(comment) || comment.half !== undefined) ? [{ comment, index }] : [],
  );
  if (lost.length === 0) return null;
  return (
    <section class="lost-comments" aria-label={s.reading.lost}>
      <p class="soft">{s.reading.lost}</p>
      {lost.map(({ comment, index }) => (
        <div key={index} class="note-on-line">
          <b dir="auto">{placeWords(comment)}</b>
          {isSaid(comment) && ` · ${s.changes.waits}`}
          <code dir="ltr">{quote(comment.code)}</code>
          {comment.half === undefined ? (
            <>
              <p dir="auto">{comment.words}</p>
              <button type="button" class="quiet" onClick={() => comments.end(index, '')}>
                {s.changes.remove}
              </button>
            </>
          ) : (
            <CommentForm comments={comments} index={index} />
          )}
        </div>
      ))}
    </section>
  );
}
