import { block, paint, partsOf, type Line, type Styled } from './line.ts';
import { wrap } from './text.ts';

/**
 * Breaks a line to the terminal's width. The text of a `block` keeps its indent. Other lines are broken between words;
 * the terminal itself breaks a word that is too long.
 */
export function fold(line: Line, columns: number): Line[] {
  const [indent, piece, ...others] = line;
  if (typeof indent === 'string' && piece !== undefined && others.length === 0) {
    const [style, text] = typeof piece === 'string' ? [undefined, piece] : piece;
    if (style !== 'command') return block(wrap(text, columns - indent.length), indent, style);
  }
  return paint(line, false).length <= columns ? [line] : foldWords(line, columns);
}

function foldWords(line: Line, columns: number): Line[] {
  const pieces = line.map(partsOf);
  // Hide the spaces of a command, so that it is not broken there.
  const text = pieces.map(([style, part]) => (style === 'command' ? part.replaceAll(' ', '_') : part)).join('');
  const indent = text.length - text.trimStart().length;
  const rows: Line[] = [];
  let from = indent;
  while (indent + text.length - from > columns) {
    const last_that_fits = text.lastIndexOf(' ', from + columns - indent);
    const space = last_that_fits > from ? last_that_fits : text.indexOf(' ', from + 1);
    if (space === -1) break;
    rows.push([' '.repeat(indent), ...slice(pieces, from, space)]);
    from = space + 1;
  }
  return [...rows, [' '.repeat(indent), ...slice(pieces, from, text.length)]];
}

/** The part of a line between two offsets into its text. */
function slice(pieces: readonly Styled[], start: number, end: number): Line {
  let offset = 0;
  return pieces.flatMap(([style, text]) => {
    const part = text.slice(Math.max(0, start - offset), Math.max(0, end - offset));
    offset += text.length;
    if (part === '') return [];
    return [style === undefined ? part : ([style, part] as const)];
  });
}
