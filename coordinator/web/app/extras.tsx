import type { JSX } from 'preact';
import { ArchiveUndo } from './inbox/archive-undo.tsx';
import { Shortcuts } from './shortcuts.tsx';

/** What is beside every screen, once it is there. */
export function Extras(): JSX.Element {
  return (
    <>
      <Shortcuts />
      <ArchiveUndo />
    </>
  );
}
