import { partsOf, type Line } from './line.ts';

const GAP = '  ';

/**
 * A row of a list: its parts, two spaces apart. A part that does not fit beside the others goes below them, indented,
 * so that none is broken. One that is wider than the terminal is left to `fold`.
 */
export function rowLines([first = '', ...parts]: Line, columns: number): Line[] {
  const widthOf = (part: Line[number]): number => partsOf(part)[1].length;
  let line = [first];
  let used = widthOf(first);
  const lines = [line];
  for (const part of parts) {
    used += GAP.length + widthOf(part);
    if (used <= columns) line.push(GAP, part);
    else {
      line = [GAP, part];
      used = GAP.length + widthOf(part);
      lines.push(line);
    }
  }
  return lines;
}
