import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { DiffFile } from './diff-file.ts';
import { shownAtOnce } from './fold.ts';

/** A file of a diff, with its name among all repositories. */
export type NamedFile = { name: string; file: DiffFile; is_viewed: boolean };

export type OpenFiles = {
  isOpen: (file: NamedFile) => boolean;
  /** A person opens a file or folds it; undefined: neither, any more. */
  set: (name: string, open: boolean | undefined) => void;
  foldAll: () => void;
  /** As if nobody had opened or folded any. Where that opens none, the viewed ones open that fit. */
  unfoldAll: () => void;
  /** Whether that would open any. */
  can_unfold: boolean;
};

/** Which files show their lines: the commented ones, and as many others as fit. What is open stays so. */
export function useOpenFiles(files: readonly NamedFile[], commented: ReadonlySet<string>): OpenFiles {
  const chosen = useSignal<Readonly<Record<string, boolean | undefined>>>({});
  const open = useRef(new Set<string>()).current;
  const isOpen = ({ name, is_viewed }: NamedFile): boolean => chosen.value[name] ?? (!is_viewed && open.has(name));
  for (const { name } of files) if (commented.has(name)) open.add(name);
  const free = files.filter((each) => isOpen(each) || (!each.is_viewed && chosen.value[each.name] === undefined));
  for (const { name } of shownAtOnce(free, isOpen)) open.add(name);
  return {
    isOpen,
    set: (name, value) => (chosen.value = { ...chosen.value, [name]: value }),
    foldAll: () => (chosen.value = Object.fromEntries(files.map(({ name }) => [name, false]))),
    unfoldAll: () => {
      chosen.value = {};
      if (files.some(isOpen)) return;
      const viewed = shownAtOnce(files, isOpen).filter(({ is_viewed }) => is_viewed);
      chosen.value = Object.fromEntries(viewed.map(({ name }) => [name, true]));
    },
    can_unfold:
      files.some(({ name, is_viewed }) => !is_viewed && open.has(name)) || shownAtOnce(files, () => false).length > 0,
  };
}
