import { s } from '../screen-speech.ts';
import type { DiffFile, DiffLine } from './diff-file.ts';

/** A longer line is cut where it is quoted: the agent finds it by its beginning and its number. */
const QUOTE_CHARS_MAX = 200;

/** One line of a diff. */
export type Place = {
  /** The key of the repository, where the errand has several. */
  repository?: string | undefined;
  path: string;
  /** The number in the new file, or in the old one for a line that was removed. */
  line: number;
  removed: boolean;
  /** The line's own text, so that the agent finds it although lines move. */
  code: string;
};

/** A comment on a line, before it is sent. */
export type Comment = Place & {
  /** Empty: it is not said yet. */
  words: string;
  /** What is written in its form; undefined: that is closed. */
  half?: string;
  /** The diff has no such line any more. */
  lost?: boolean;
};

/** Whether a comment waits to be sent. */
export function isSaid({ words }: Comment): boolean {
  return words !== '';
}

/** Names a file, with its repository where there are several. */
export function fileKey({ repository, path }: Pick<Place, 'repository' | 'path'>): string {
  return repository === undefined ? path : `${repository}: ${path}`;
}

/** Names the line of a comment. */
export function keyOf({ repository, path, line, removed }: Omit<Place, 'code'>): string {
  return `${fileKey({ repository, path })}\n${removed ? '-' : '+'}${line}`;
}

/** All comments as one message: each names its file and line, quotes the line, and says what it says. */
export function toMessage(comments: readonly Comment[]): string {
  const parts = comments.map(
    (comment) => `${placeWords(comment)}:\n> ${quote(comment.code)}\n\n${comment.words.trim()}`,
  );
  return [s.changes.message, ...parts].join('\n\n');
}

/** The file and the line of a comment, in words. */
export function placeWords({ lost, removed, line, ...file }: Comment): string {
  const number = removed ? s.changes.removed_line(line) : s.changes.line(line);
  return `${fileKey(file)}, ${lost === true ? s.reading.of_earlier(number) : number}`;
}

/** The text of a line, as far as it is quoted. */
export function quote(code: string): string {
  const characters = Array.from(code.trim());
  return characters.length > QUOTE_CHARS_MAX ? `${characters.slice(0, QUOTE_CHARS_MAX - 1).join('')}…` : code.trim();
}

/** The diff of a repository. */
export type Shown = { repository: string | undefined; diff: object | undefined; files: readonly DiffFile[] };

/**
 * The comments where they stand in the diffs of now: each at the nearest line with the text that it is about, one a
 * line. Where there is none, the comment is `lost`. A diff that was not read yet moves nothing.
 */
export function placeComments(comments: readonly Comment[], diffs: readonly Shown[]): Comment[] {
  const taken = new Set<string>();
  return comments.map((comment) => {
    const shown = diffs.find(({ repository }) => repository === comment.repository);
    if (shown && !shown.diff) return comment;
    const lines = shown?.files.find(({ path }) => path === comment.path)?.hunks.flatMap((hunk) => hunk.lines) ?? [];
    const moved = linesLike(comment, lines)
      .map(({ line }) => ({ ...comment, line, lost: false }))
      .find((each) => !taken.has(keyOf(each)));
    if (moved) taken.add(keyOf(moved));
    return moved ?? { ...comment, lost: true };
  });
}

/** The lines with the text of a comment's line, the nearest first. */
function linesLike({ code, line, removed }: Comment, lines: readonly DiffLine[]): DiffLine[] {
  return lines
    .filter((each) => each.code === code && (each.type === 'removed') === removed)
    .sort((a, b) => Math.abs(a.line - line) - Math.abs(b.line - line));
}

/** Reads the comments that were stored; none if they are not understood. */
export function readComments(text: string): Comment[] {
  try {
    const read: unknown = JSON.parse(text);
    return Array.isArray(read) ? (read as Comment[]) : [];
  } catch {
    return [];
  }
}
