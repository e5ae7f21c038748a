import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { Stat } from '../../parts/stat.tsx';
import { s } from '../screen-speech.ts';
import type { Comment } from './comments.ts';
import { Lines } from './lines-view.tsx';
import type { DiffFile, DiffLine } from './diff-file.ts';

/** A file with more lines than this is shown at a touch. */
const LINES_SHOWN_MAX = 400;

type FileProps = {
  /** The errand's. */
  id: string;
  /** The key of its repository, where the errand has several. */
  repository: string | undefined;
  file: DiffFile;
  /** The lines that were not there at the last look. */
  fresh: ReadonlySet<DiffLine>;
  comments: readonly Comment[];
  /** The mark of the diff that was viewed. */
  viewed: string | undefined;
  onView: (mark: string | undefined) => void;
  onChange: (comments: readonly Comment[]) => void;
};

/** One file of a diff. Once viewed it is folded, until its diff is another. */
export function FileView({ id, repository, file, fresh, comments, viewed, onView, onChange }: FileProps): JSX.Element {
  const { path, old_path, mark, hunks } = file;
  const is_viewed = viewed === mark;
  const count = hunks.reduce((sum, { near }) => sum + near.size, 0);
  const news = hunks.reduce((sum, { lines }) => sum + lines.filter((line) => fresh.has(line)).length, 0);
  const opened = useSignal<boolean | undefined>(undefined);
  const open = opened.value ?? (!is_viewed && count <= LINES_SHOWN_MAX);
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
        <Lines id={id} repository={repository} file={file} fresh={fresh} comments={comments} onChange={onChange} />
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
