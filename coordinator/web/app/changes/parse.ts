import exported, { type Change } from 'gitdiff-parser';
import type { DiffFile, DiffHunk, DiffLine } from './diff-file.ts';
import { nearChanges } from './fold.ts';

// Its types describe a module with a default export; it is one without.
const parser = exported as unknown as typeof exported.default;

/** Reads git's unified diff. A diff that was cut ends with what could be read. */
export function parseDiff(diff: string): DiffFile[] {
  // A line of a file begins with a sign, so only a head can begin like this.
  const sections = diff.split(/^diff --git /m).slice(1);
  return parser.parse(diff).map((file, i): DiffFile => {
    const path = readName(file.type === 'delete' ? file.oldPath : file.newPath);
    let next = 1;
    const hunks = (file.hunks ?? []).map(({ newStart, newLines, changes }): DiffHunk => {
      const gap = Math.max(0, newStart - next);
      next = newStart + newLines;
      const all = changes.map(toLine);
      return { gap, lines: all, near: nearChanges(all) };
    });
    const lines = hunks.flatMap((hunk) => hunk.lines);
    return {
      path,
      old_path:
        file.oldPath !== file.newPath && file.type !== 'add' && file.type !== 'delete'
          ? readName(file.oldPath)
          : undefined,
      binary: hunks.length === 0 && /^(Binary files |GIT binary patch)/m.test(sections[i] ?? ''),
      insertions: lines.filter(({ type }) => type === 'added').length,
      deletions: lines.filter(({ type }) => type === 'removed').length,
      hunks,
      mark: markOf(hunks.flatMap((hunk) => hunk.lines.filter((line) => hunk.near.has(line)))),
    };
  });
}

function toLine(change: Change): DiffLine {
  switch (change.type) {
    case 'insert':
      return { type: 'added', line: change.lineNumber, code: change.content };
    case 'delete':
      return { type: 'removed', line: change.lineNumber, code: change.content };
    case 'normal':
      return { type: 'same', line: change.newLineNumber, code: change.content };
  }
}

/** git quotes a name with characters outside ASCII, and writes their bytes as octal numbers. */
function readName(name: string): string {
  if (!name.endsWith('"')) return name;
  const bytes = name
    .replace(/^\/|"$/g, '')
    .replaceAll(/\\([0-7]{3})/g, (_, octal: string) => `%${Number.parseInt(octal, 8).toString(16).padStart(2, '0')}`);
  try {
    return decodeURIComponent(bytes).replaceAll(/\\(.)/g, '$1');
  } catch {
    return name;
  }
}

/** A short hash (FNV-1a): it tells one diff from the next, no more. */
function markOf(lines: readonly DiffLine[]): string {
  let hash = 0x811c9dc5;
  for (const { type, code } of lines)
    for (const character of `${type[0]}${code}\n`) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return (hash >>> 0).toString(36);
}
