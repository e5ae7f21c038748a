import { block, paint, partsOf, type Line, type Piece } from './line.ts';
import { wrap } from './text.ts';

const TEXT_COLUMNS_MIN = 20;

/**
 * The line in as many as the terminal has room for. A line of `block` stays behind its indent. Any other is broken between words; a word that is too
 * long is left to the terminal.
 */
export function fold(line: Line, columns: number): Line[] {
  const [indent, piece, ...others] = line;
  if (typeof indent === 'string' && piece !== undefined && others.length === 0) {
    const [style, text] = typeof piece === 'string' ? [undefined, piece] : piece;
    if (style !== 'command')
      return block(wrap(text, Math.max(TEXT_COLUMNS_MIN, columns - indent.length)), indent, style);
  }
  return paint(line, false).length <= columns ? [line] : foldWords(wordsOf(line), columns);
}

/** What stands between two spaces, which may be of several pieces; or a command. */
type Word = { spaces: string; pieces: Piece[]; width: number };

function foldWords(words: readonly Word[], columns: number): Line[] {
  const indent = words[0]?.spaces ?? '';
  const rows: Piece[][] = [];
  let row: Piece[] | undefined;
  let width = 0;
  for (const { spaces, pieces, width: word_width } of words) {
    if (row !== undefined && width + spaces.length + word_width <= columns) {
      row.push(spaces, ...pieces);
      width += spaces.length + word_width;
    } else {
      rows.push((row = [indent, ...pieces]));
      width = indent.length + word_width;
    }
  }
  return rows;
}

function wordsOf(line: Line): Word[] {
  const words: Word[] = [];
  for (const piece of line) {
    const [style, text] = partsOf(piece);
    const chunks = style === 'command' ? [text] : text.split(/(?<! )(?= )/);
    for (const chunk of chunks) {
      const bare = style === 'command' ? chunk : chunk.trimStart();
      const spaces = chunk.slice(0, chunk.length - bare.length);
      let word = words.at(-1);
      if (word === undefined || spaces !== '') words.push((word = { spaces, pieces: [], width: 0 }));
      word.pieces.push(style === undefined ? bare : [style, bare]);
      word.width += bare.length;
    }
  }
  return words;
}
