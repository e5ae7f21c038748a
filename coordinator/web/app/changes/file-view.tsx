import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { Stat } from '../../parts/stat.tsx';
import { s } from '../screen-speech.ts';
import { countLines } from './fold.ts';
import { Lines } from './lines-view.tsx';
import type { DiffFile, DiffLine } from './diff-file.ts';
import type { Comments } from './use-comments.ts';
import type { NamedFile, OpenFiles } from './use-open-files.ts';

type FileProps = {
  /** The key of its repository, where the errand has several. */
  repository: string | undefined;
  named: NamedFile;
  files: OpenFiles;
  /** The lines that were not there at the last look. */
  fresh: ReadonlySet<DiffLine>;
  comments: Comments;
  /** A text that differs where its own comments do. */
  own: string | undefined;
  /** Its diff was viewed before, as it is now or as another one. */
  was_viewed: boolean;
  onView: (mark: string | undefined) => void;
};

/** One file of a diff. Once viewed it is folded, until its diff is another. */
export function FileView(props: FileProps): JSX.Element {
  const { named, files, fresh, own, was_viewed } = props;
  const { file, is_viewed } = named;
  const open = files.isOpen(named);
  // A touch on a line draws its own file anew, and not the thousands of others that a diff may have.
  return useMemo(() => <File {...props} open={open} />, [file, is_viewed, open, fresh, own, was_viewed]);
}

function File({ named, files, open, was_viewed, onView, ...lines }: FileProps & { open: boolean }): JSX.Element {
  const { name, file, is_viewed } = named;
  const { path, old_path, mark } = file;
  const news = countFresh(file, lines.fresh);
  return (
    <section class="file" id={`file ${name}`} aria-label={path}>
      <header>
        <button type="button" class="file-name" aria-expanded={open} onClick={() => files.set(name, !open)}>
          <code dir="ltr">{path}</code>
          {old_path !== undefined && <small>{s.changes.renamed(old_path)}</small>}
          {!is_viewed && (news > 0 || was_viewed) && (
            <small class="anew">{news > 0 ? s.changes.fresh(news) : s.changes.anew}</small>
          )}
        </button>
        <Stat {...file} />
        <label class="viewed">
          <input
            type="checkbox"
            checked={is_viewed}
            onChange={({ currentTarget: { checked } }) => {
              files.set(name, undefined);
              onView(checked ? mark : undefined);
            }}
          />
          <span>{s.changes.viewed}</span>
        </label>
      </header>
      {open ? (
        <Lines {...lines} file={file} />
      ) : (
        !is_viewed && (
          <button type="button" class="quiet" onClick={() => files.set(name, true)}>
            {s.changes.large(countLines(file))}
          </button>
        )
      )}
    </section>
  );
}

function countFresh({ hunks }: DiffFile, fresh: ReadonlySet<DiffLine>): number {
  return hunks.reduce((sum, { lines }) => sum + lines.filter((line) => fresh.has(line)).length, 0);
}
