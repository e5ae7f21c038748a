import type { DiffHunk, DiffLine } from './diff-file.ts';

/** The unchanged lines around a change that show at once. */
const CONTEXT = 3;
/** How many lines of a fold one touch opens at each of its ends. */
const STEP = 20;

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
