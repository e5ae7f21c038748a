import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { Stat } from '../../parts/stat.tsx';
import { useText } from '../../parts/use-text.ts';
import { s } from '../screen-speech.ts';
import { fileKey, type Comment } from './comments.ts';
import { countLines } from './fold.ts';
import { Lines } from './lines-view.tsx';
import type { DiffFile, DiffLine } from './diff-file.ts';

type FileProps = {
  /** The errand's. */
  id: string;
  /** The key of its repository, where the errand has several. */
  repository: string | undefined;
  file: DiffFile;
  /** Whether its lines show without a touch. */
  at_once: boolean;
  /** The lines that were not there at the last look. */
  fresh: ReadonlySet<DiffLine>;
  comments: readonly Comment[];
  /** The mark of the diff that was viewed. */
  viewed: string | undefined;
  onView: (mark: string | undefined) => void;
  onChange: (comments: readonly Comment[]) => void;
};

/** One file of a diff. Once viewed it is folded, until its diff is another. What is open stays so. */
export function FileView({ file, at_once, viewed, onView, ...lines }: FileProps): JSX.Element {
  const { id, repository, fresh } = lines;
  const { path, old_path, mark, hunks } = file;
  const is_viewed = viewed === mark;
  const news = hunks.reduce((sum, { lines }) => sum + lines.filter((line) => fresh.has(line)).length, 0);
  // With its text the form survives the app.
  const editing = useText(`commenting ${id} ${fileKey({ repository, path })}`);
  const opens = useRef(false);
  opens.current ||= at_once || editing.value !== '';
  const opened = useSignal<boolean | undefined>(undefined);
  const open = opened.value ?? (!is_viewed && opens.current);
  return (
    <section class="file" aria-label={path}>
      <header>
        <button type="button" class="file-name" aria-expanded={open} onClick={() => (opened.value = !open)}>
          <code dir="ltr">{path}</code>
          {old_path !== undefined && <small>{s.changes.renamed(old_path)}</small>}
          {!is_viewed && (news > 0 || viewed !== undefined) && (
            <small class="anew">{news > 0 ? s.changes.fresh(news) : s.changes.anew}</small>
          )}
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
        <Lines {...lines} file={file} editing={editing} />
      ) : (
        !is_viewed && (
          <button type="button" class="quiet" onClick={() => (opened.value = true)}>
            {s.changes.large(countLines(file))}
          </button>
        )
      )}
    </section>
  );
}
