import type { JSX } from 'preact';
import { Stat } from '../../parts/stat.tsx';
import { s } from '../screen-speech.ts';
import { countLines } from './fold.ts';
import { Lines } from './lines-view.tsx';
import type { DiffLine } from './diff-file.ts';
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
  /** Its diff was viewed before, as it is now or as another one. */
  was_viewed: boolean;
  onView: (mark: string | undefined) => void;
};

/** One file of a diff. Once viewed it is folded, until its diff is another. */
export function FileView({ named, files, was_viewed, onView, ...lines }: FileProps): JSX.Element {
  const { name, file, is_viewed } = named;
  const { path, old_path, mark, hunks } = file;
  const news = hunks.reduce((sum, hunk) => sum + hunk.lines.filter((line) => lines.fresh.has(line)).length, 0);
  const open = files.isOpen(named);
  return (
    <section class="file" aria-label={path}>
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
