import { styleText } from 'node:util';
import { clean } from './text.ts';

/**
 * How a piece of a line looks on a terminal with colours. A `command` is meant to be copied, so it is never broken. A
 * `qr` code is light on dark whatever the terminal's colours are.
 */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan' | 'command' | 'qr';
const FORMATS = {
  bold: 'bold',
  dim: 'dim',
  red: 'red',
  green: 'green',
  yellow: 'yellow',
  cyan: 'cyan',
  command: 'bold',
  qr: ['whiteBright', 'bgBlack'],
} as const satisfies Record<Style, Parameters<typeof styleText>[0]>;
type Piece = string | readonly [Style, string];
export type Styled = readonly [Style | undefined, string];
/** A line of output, in pieces. Its text may have control characters: `paint` removes them. */
export type Line = readonly Piece[];

/**
 * The line as text for the terminal. All output passes through here, so that no text of others brings escape sequences.
 */
export function paint(line: Line, color: boolean): string {
  return line
    .map((piece) => {
      const [style, safe] = partsOf(piece);
      return style && color ? styleText(FORMATS[style], safe, { validateStream: false }) : safe;
    })
    .join('');
}

/** The style of a piece, and its text without control characters. */
export function partsOf(piece: Piece): Styled {
  const [style, text] = typeof piece === 'string' ? [undefined, piece] : piece;
  return [style, clean(text).replaceAll('\n', ' ')];
}

/** One line per text, each with the same indent. */
export function block(texts: readonly string[], indent: string, style?: Style): Line[] {
  return texts.map((text) => (style ? [indent, [style, text]] : [indent, text]));
}
