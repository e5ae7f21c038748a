import compare from 'fast-diff';
import type { DiffFile, DiffLine } from './diff-file.ts';
import { parseDiff } from './parse.ts';

/** The comparison takes one character for each line that differs; these are all it has. */
const LINES_MAX = 0xd7ff;

/**
 * What is different since the last look. `fresh`: lines; `gone`: files that were changed then, and are not any more.
 */
export type SinceLook = { fresh: ReadonlySet<DiffLine>; gone: readonly string[] };
export const NOTHING_NEW: SinceLook = { fresh: new Set(), gone: [] };

/** Compares what changed with the diff of the last look; undefined: this is the first one. */
export function sinceLook(
  now: readonly DiffFile[],
  before: { diff: string; truncated: boolean } | undefined,
): SinceLook {
  const then = new Map(before && parseDiff(before.diff).map((file) => [file.path, file]));
  if (!before || then.size === 0) return NOTHING_NEW;
  // Of a diff that was cut the rest is not known: nothing is said of it.
  const last = before.truncated ? [...then.keys()].at(-1) : undefined;
  const known = now.filter(({ path }) => path !== last && (then.has(path) || !before.truncated));
  const fresh = new Set(known.flatMap((file) => newLines(linesOf(then.get(file.path)), linesOf(file))));
  const paths = new Set(now.map(({ path }) => path));
  return { fresh, gone: [...then.keys()].filter((path) => !paths.has(path)) };
}

const linesOf = (file: DiffFile | undefined): DiffLine[] => file?.hunks.flatMap(({ lines }) => lines) ?? [];

/** The changed lines that were not there before, at their place. */
function newLines(before: readonly DiffLine[], now: readonly DiffLine[]): DiffLine[] {
  const codes = new Map<string, string>();
  const encode = (lines: readonly DiffLine[]): string =>
    lines
      .map(({ type, code }) => {
        const key = type + code;
        const known = codes.get(key) ?? String.fromCharCode(codes.size + 1);
        codes.set(key, known);
        return known;
      })
      .join('');
  const [old, fresh] = [encode(before), encode(now)];
  if (codes.size >= LINES_MAX) return [];
  let at = 0;
  return compare(old, fresh).flatMap(([what, text]) => {
    if (what === compare.DELETE) return [];
    const lines = now.slice(at, (at += text.length));
    return what === compare.INSERT ? lines.filter(({ type }) => type !== 'same') : [];
  });
}
