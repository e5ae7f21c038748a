import { highlight } from '../../code/highlight.ts';
import type { Piece } from '../../code/pieces.ts';
import type { DiffFile, DiffLine } from './diff-file.ts';

/** The pieces of each line of a file's diff that has colours. */
export type Colours = ReadonlyMap<DiffLine, readonly Piece[]>;

/** Colours both sides of a diff: what the file was, and what it is. */
export async function coloursOf({ path, hunks }: DiffFile): Promise<Colours> {
  const lines = hunks.flatMap((hunk) => hunk.lines);
  const sides = await Promise.all(
    (['removed', 'added'] as const).map(async (own) => {
      const side = lines.filter(({ type }) => type === own || type === 'same');
      const pieces = await highlight(path, side.map(({ code }) => code).join('\n'));
      return side.flatMap((line, i): [DiffLine, readonly Piece[]][] => {
        const found = pieces?.[i];
        return found ? [[line, found]] : [];
      });
    }),
  );
  return new Map(sides.flat());
}
