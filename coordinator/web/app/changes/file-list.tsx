import type { JSX } from 'preact';
import { Stat } from '../../parts/stat.tsx';
import { s } from '../screen-speech.ts';
import type { NamedFile, OpenFiles } from './use-open-files.ts';

/** Fewer files are seen at a glance. */
const FILES_MIN = 8;

type FileListProps = { named: readonly NamedFile[]; files: OpenFiles };

/** All files that changed, each as a way to it, and how many were viewed. */
export function FileList({ named, files }: FileListProps): JSX.Element | null {
  if (named.length < FILES_MIN) return null;
  const viewed = named.filter(({ is_viewed }) => is_viewed).length;
  const all_folded = !named.some(files.isOpen);
  return (
    <nav class="file-list" aria-label={s.changes.all_files}>
      <details>
        <summary>{s.changes.files(named.length)}</summary>
        <ul>
          {named.map(({ name, file, is_viewed }) => (
            <li key={name}>
              <button type="button" onClick={() => jumpTo(name)}>
                <code dir="ltr">{name}</code>
                {is_viewed && <small>{s.changes.viewed}</small>}
                <Stat {...file} />
              </button>
            </li>
          ))}
        </ul>
      </details>
      <span role="status">{s.changes.viewed_of(viewed, named.length)}</span>
      {(!all_folded || files.can_unfold) && (
        <button type="button" class="quiet" onClick={() => (all_folded ? files.unfoldAll() : files.foldAll())}>
          {all_folded ? s.changes.unfold_all : s.changes.fold_all}
        </button>
      )}
    </nav>
  );
}

/** The address stays: a fragment would be one more step back. */
function jumpTo(name: string): void {
  const file = document.getElementById(`file ${name}`);
  file?.scrollIntoView();
  file?.querySelector('button')?.focus({ preventScroll: true });
}
