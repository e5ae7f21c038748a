import type { Line } from './line.ts';
import { wrap } from './text.ts';

const GAP = 2;
/** If the first column takes more than this share of the terminal, the second one goes below it. */
const FIRST_SHARE_MAX = 0.45;
const HANGING_INDENT = 6;

/** Lays out rows of two columns, and wraps the second one to the terminal's width. */
export function columnLines(
  rows: readonly [string, string][],
  columns: number,
  first: 'bold' | 'plain' = 'bold',
): Line[] {
  const width = Math.max(0, ...rows.map(([left]) => left.length)) + GAP;
  const below = width > columns * FIRST_SHARE_MAX;
  const indent = ' '.repeat(below ? HANGING_INDENT : width);
  const styled = (text: string) => (first === 'bold' ? (['bold', text] as const) : text);
  return rows.flatMap(([left, right]): Line[] => {
    const [line = '', ...more] = wrap(right, columns - indent.length);
    const rest = more.map((text) => [indent + text]);
    return below ? [[styled(left)], [indent + line], ...rest] : [[styled(left.padEnd(width)), line], ...rest];
  });
}
