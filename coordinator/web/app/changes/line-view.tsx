import type { JSX } from 'preact';
import type { Piece } from '../../code/pieces.ts';
import { Pieces } from '../../parts/code.tsx';
import { s } from '../screen-speech.ts';
import { CommentForm } from './comment-form.tsx';
import { isSaid } from './comments.ts';
import type { DiffLine } from './diff-file.ts';
import type { Comments } from './use-comments.ts';

type LineProps = {
  line: DiffLine;
  /** It was not there at the last look. */
  fresh: boolean;
  pieces: readonly Piece[] | undefined;
  comments: Comments;
  /** Which of the comments is about it. */
  index: number | undefined;
  onTouch: () => void;
};

const SIGNS = { added: '+', removed: '−', same: ' ' } as const;

/** One line of a diff: touch it, and write what is to be said about it. */
export function Line({ line: { type, line, code }, fresh, pieces, comments, index, onTouch }: LineProps): JSX.Element {
  const comment = index === undefined ? undefined : comments.placed[index];
  const editing = comment?.half !== undefined;
  return (
    <>
      <button
        type="button"
        class={fresh ? `line-of ${type} fresh` : `line-of ${type}`}
        aria-expanded={editing}
        title={s.changes.comment}
        onClick={onTouch}
      >
        <i>{line}</i>
        <code dir="ltr">
          {(fresh || type !== 'same') && (
            <span class="hidden">
              {fresh && s.changes.fresh_line}
              {s.changes.sign[type]}
            </span>
          )}
          <span class="sign" aria-hidden="true">
            {SIGNS[type]}
          </span>
          {pieces ? <Pieces pieces={pieces} /> : code}
        </code>
      </button>
      {index !== undefined && editing && <CommentForm comments={comments} index={index} />}
      {index !== undefined && comment && isSaid(comment) && !editing && (
        <div class="note-on-line">
          <b>{s.changes.you}</b> · {s.changes.waits}
          <p dir="auto">{comment.words}</p>
          <button type="button" class="quiet" onClick={onTouch}>
            {s.changes.edit}
          </button>
          <button
            type="button"
            class="quiet"
            onClick={({ currentTarget }) => {
              const line = currentTarget.closest('.note-on-line')?.previousElementSibling;
              comments.end(index, '');
              if (line instanceof HTMLElement) line.focus({ preventScroll: true });
            }}
          >
            {s.changes.remove}
          </button>
        </div>
      )}
    </>
  );
}
