import type { Line } from './line.ts';
import { wrap } from './text.ts';

const GAP = 2;
/** A first column wider than this share of the terminal leaves too little for the second one. */
const FIRST_SHARE_MAX = 0.45;
const HANGING_INDENT = 6;

/** Rows of two columns. The second one is wrapped; where the first one is too wide for that, it goes below. */
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
