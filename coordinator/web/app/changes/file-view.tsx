import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Piece } from '../../code/pieces.ts';
import { Pieces } from '../../parts/code.tsx';
import { GrowingField } from '../../parts/growing-field.tsx';
import { t } from '../../parts/speech.ts';
import { s } from '../screen-speech.ts';
import { Stat } from '../../parts/stat.tsx';
import { continued, useText } from '../../parts/use-text.ts';
import { fileKey, keyOf, type Comment } from './comments.ts';
import { coloursOf, type Colours } from './file-colours.ts';
import type { DiffFile, DiffLine } from './parse.ts';

/** A file with more lines than this is shown at a touch. */
const LINES_SHOWN_MAX = 400;

type FileProps = {
  /** The errand's. */
  id: string;
  /** The key of its repository, where the errand has several. */
  repository: string | undefined;
  file: DiffFile;
  comments: readonly Comment[];
  /** The mark of the diff that was viewed. */
  viewed: string | undefined;
  onView: (mark: string | undefined) => void;
  onChange: (comments: readonly Comment[]) => void;
};

/** One file of a diff. Once viewed it is folded, until its diff is another. */
export function FileView({ id, repository, file, comments, viewed, onView, onChange }: FileProps): JSX.Element {
  const { path, old_path, mark, hunks } = file;
  const is_viewed = viewed === mark;
  const count = hunks.reduce((sum, { lines }) => sum + lines.length, 0);
  const opened = useSignal<boolean | undefined>(undefined);
  const open = opened.value ?? (!is_viewed && count <= LINES_SHOWN_MAX);
  return (
    <section class="file" aria-label={path}>
      <header>
        <button type="button" class="file-name" aria-expanded={open} onClick={() => (opened.value = !open)}>
          <code dir="ltr">{path}</code>
          {old_path !== undefined && <small>{s.changes.renamed(old_path)}</small>}
          {viewed !== undefined && !is_viewed && <small class="anew">{s.changes.anew}</small>}
        </button>
        <Stat {...file} />
        <label class="viewed">
          <input
            type="checkbox"
            checked={is_viewed}
            onChange={({ currentTarget: { checked } }) => {
              opened.value = undefined;
              onView(checked ? mark : undefined);
            }}
          />
          <span>{s.changes.viewed}</span>
        </label>
      </header>
      {open ? (
        <Lines id={id} repository={repository} file={file} comments={comments} onChange={onChange} />
      ) : (
        !is_viewed && (
          <button type="button" class="quiet" onClick={() => (opened.value = true)}>
            {s.changes.large(count)}
          </button>
        )
      )}
    </section>
  );
}

type LinesProps = Pick<FileProps, 'id' | 'repository' | 'file' | 'comments' | 'onChange'>;

function Lines({ id, repository, file, comments, onChange }: LinesProps): JSX.Element {
  const { path, hunks, binary } = file;
  // With its text the form survives the app.
  const editing = useText(`commenting ${id} ${fileKey({ repository, path })}`);
  const colours = useColours(file);
  if (binary) return <p class="gap">{s.changes.binary}</p>;
  const own = new Map(
    comments
      .filter((comment) => comment.lost !== true && fileKey(comment) === fileKey({ repository, path }))
      .map((each) => [keyOf(each), each]),
  );
  const set = (key: string, comment: Comment | undefined): void => {
    editing.value = '';
    const others = comments.filter((each) => each.lost === true || keyOf(each) !== key);
    onChange(comment ? [...others, comment] : others);
  };
  return (
    <div class="diff">
      {hunks.map(({ gap, lines }, i) => (
        <div key={i}>
          {gap > 0 && <p class="gap">{s.changes.gap(gap)}</p>}
          {lines.map((line) => {
            const place = {
              ...(repository !== undefined && { repository }),
              path,
              line: line.line,
              removed: line.type === 'removed',
            };
            const key = keyOf(place);
            const comment = own.get(key);
            return (
              <Line
                key={key}
                draft={`comment ${id} ${key}`}
                line={line}
                pieces={colours?.get(line)}
                comment={comment}
                editing={editing.value === key}
                onTouch={() => (editing.value = editing.value === key ? '' : key)}
                onSet={(words) => set(key, words === '' ? undefined : { ...place, code: line.code, words })}
              />
            );
          })}
        </div>
      ))}
    </div>
  );
}

/** The colours of a file; undefined until they are there. */
function useColours(file: DiffFile): Colours | undefined {
  const colours = useSignal<Colours | undefined>(undefined);
  useEffect(() => {
    let is_shown = true;
    void coloursOf(file).then((found) => {
      if (is_shown) colours.value = found;
    });
    return () => void (is_shown = false);
  }, [file, colours]);
  return colours.value;
}

type LineProps = {
  /** Where the words of its comment are kept while they are written. */
  draft: string;
  line: DiffLine;
  pieces: readonly Piece[] | undefined;
  comment: Comment | undefined;
  editing: boolean;
  onTouch: () => void;
  onSet: (words: string) => void;
};

const SIGNS = { added: '+', removed: '−', same: ' ' } as const;

function Line({ draft, line: { type, line, code }, pieces, comment, editing, onTouch, onSet }: LineProps): JSX.Element {
  return (
    <>
      <button
        type="button"
        class={`line-of ${type}`}
        aria-expanded={editing}
        title={s.changes.comment}
        onClick={onTouch}
      >
        <i>{line}</i>
        <code dir="ltr">
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
