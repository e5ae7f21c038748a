import type { DiffFile, DiffHunk, DiffLine } from './diff-file.ts';

/** The unchanged lines around a change that show at once. */
const CONTEXT = 3;
/** How many lines of a fold one touch opens at each of its ends. */
const STEP = 20;

/** A file with more lines than this is shown at a touch. */
const FILE_LINES_MAX = 400;
/** So are those that would make more lines than these at once: a phone would take a minute to draw them all. */
const LINES_MAX = 1_500;

/** How many lines of a file show where it is open. */
export function countLines({ hunks }: DiffFile): number {
  return hunks.reduce((sum, { near }) => sum + near.size, 0);
}

/** Those of the files of which the lines show without a touch, besides those that are open. */
export function shownAtOnce<T extends { file: DiffFile }>(files: readonly T[], isOpen: (one: T) => boolean): T[] {
  let lines = files.filter(isOpen).reduce((sum, { file }) => sum + countLines(file), 0);
  return files.filter((one) => {
    const count = countLines(one.file);
    if (isOpen(one) || count > FILE_LINES_MAX || lines + count > LINES_MAX) return false;
    lines += count;
    return true;
  });
}

/** Lines that follow each other and show, or that are folded. */
type Part = { folded: boolean; lines: readonly DiffLine[] };

/** The lines that changed, and those around them. */
export function nearChanges(lines: readonly DiffLine[]): ReadonlySet<DiffLine> {
  const near = new Set<DiffLine>();
  lines.forEach(({ type }, i) => {
    if (type !== 'same') for (const line of lines.slice(Math.max(0, i - CONTEXT), i + CONTEXT + 1)) near.add(line);
  });
  return near;
}

/** What of a hunk shows: what is near a change, and what `isOpen` says. */
export function foldHunk({ lines, near }: DiffHunk, isOpen: (line: DiffLine) => boolean): Part[] {
  const parts: { folded: boolean; lines: DiffLine[] }[] = [];
  for (const line of lines) {
    const folded = !near.has(line) && !isOpen(line);
    const last = parts.at(-1);
    if (last?.folded === folded) last.lines.push(line);
    else parts.push({ folded, lines: [line] });
  }
  return parts;
}

/** The lines of a fold that a touch opens. */
export function nextOf(lines: readonly DiffLine[]): readonly DiffLine[] {
  return lines.length <= 2 * STEP ? lines : [...lines.slice(0, STEP), ...lines.slice(-STEP)];
}
