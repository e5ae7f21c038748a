import type { JSX } from 'preact';
import type { Piece } from '../../code/pieces.ts';
import { Pieces } from '../../parts/code.tsx';
import { GrowingField } from '../../parts/growing-field.tsx';
import { t } from '../../parts/speech.ts';
import { continued, useText } from '../../parts/use-text.ts';
import { s } from '../screen-speech.ts';
import type { Comment } from './comments.ts';
import type { DiffLine } from './diff-file.ts';

type LineProps = {
  /** Where the words of its comment are kept while they are written. */
  draft: string;
  line: DiffLine;
  /** It was not there at the last look. */
  fresh: boolean;
  pieces: readonly Piece[] | undefined;
  comment: Comment | undefined;
  editing: boolean;
  onTouch: () => void;
  onSet: (words: string) => void;
};

const SIGNS = { added: '+', removed: '−', same: ' ' } as const;

/** One line of a diff: touch it, and write what is to be said about it. */
export function Line({ draft, line: { type, line, code }, fresh, pieces, ...rest }: LineProps): JSX.Element {
  const { comment, editing, onTouch, onSet } = rest;
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
          {fresh && <span class="hidden">{s.changes.fresh_line}</span>}
          <span class="sign" aria-hidden="true">
            {SIGNS[type]}
          </span>
          {pieces ? <Pieces pieces={pieces} /> : code}
        </code>
      </button>
      {editing ? (
        <CommentForm draft={draft} line={line} words={comment?.words ?? ''} onSet={onSet} onCancel={onTouch} />
      ) : (
        comment && (
          <div class="note-on-line">
            <b>{s.changes.you}</b> · {s.changes.waits}
            <p dir="auto">{comment.words}</p>
            <button type="button" class="quiet" onClick={onTouch}>
              {s.changes.edit}
            </button>
            <button type="button" class="quiet" onClick={() => onSet('')}>
              {s.changes.remove}
            </button>
          </div>
        )
      )}
    </>
  );
}

type FormProps = { draft: string; line: number; words: string; onSet: (words: string) => void; onCancel: () => void };

function CommentForm({ draft, line, words, onSet, onCancel }: FormProps): JSX.Element {
  const text = useText(draft, words, continued);
  const end = (act: () => void): void => {
    text.value = '';
    act();
  };
  const submit = (said = text.value.trim()): void => end(() => onSet(said));
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
        autofocus
        value={text.value}
        label={s.changes.placeholder}
        onInput={(said) => (text.value = said)}
        onSend={() => submit()}
      />
      <button type="submit" class="quiet" disabled={text.value.trim() === ''}>
        {s.changes.add}
      </button>
      <button type="button" class="quiet" onClick={() => end(onCancel)}>
        {t.cancel}
      </button>
    </form>
  );
}
