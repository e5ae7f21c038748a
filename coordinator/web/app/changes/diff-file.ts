/** One line of a file's diff. `line`: its number in the new file; for a removed line, in the old one. */
export type DiffLine = { type: 'added' | 'removed' | 'same'; line: number; code: string };
/**
 * Lines that follow each other. `gap`: how many unchanged lines before them are not in the diff. `near`: the lines that
 * changed, and those around them; the others can be opened.
 */
export type DiffHunk = { gap: number; lines: DiffLine[]; near: ReadonlySet<DiffLine> };
export type DiffFile = {
  path: string;
  old_path: string | undefined;
  binary: boolean;
  insertions: number;
  deletions: number;
  hunks: DiffHunk[];
  /** Differs where the diff of this file differs. */
  mark: string;
};
