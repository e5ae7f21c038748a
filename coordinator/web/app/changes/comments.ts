import { t } from '../../parts/speech.ts';

/** A comment on one line of a diff, before it is sent. */
export type Comment = {
  /** The key of the repository, where the errand has several. */
  repository?: string | undefined;
  path: string;
  /** The number in the new file, or in the old one for a line that was removed. */
  line: number;
  removed: boolean;
  /** The line's own text, so that the agent finds it although lines move. */
  code: string;
  words: string;
};

/** Names a file, with its repository where there are several. */
export function fileKey({ repository, path }: Pick<Comment, 'repository' | 'path'>): string {
  return repository === undefined ? path : `${repository}: ${path}`;
}

/** Names the line of a comment. */
export function keyOf({
  repository,
  path,
  line,
  removed,
}: Pick<Comment, 'repository' | 'path' | 'line' | 'removed'>): string {
  return `${fileKey({ repository, path })}\n${removed ? '-' : '+'}${line}`;
}

/** All comments as one message: each names its file and line, quotes the line, and says what it says. */
export function toMessage(comments: readonly Comment[]): string {
  const parts = comments.map(({ repository, path, line, removed, code, words }) => {
    const file = fileKey({ repository, path });
    const place = removed ? `${file}, ${t.changes.removed_line(line)}` : `${file}, ${t.changes.line(line)}`;
    return `${place}:\n> ${code.trim()}\n\n${words.trim()}`;
  });
  return [t.changes.message, ...parts].join('\n\n');
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
