import { styleText } from 'node:util';
import { clean } from './text.ts';

/** How a piece of a line looks where the terminal has colours. A `command` is there to be copied: no line break ever divides it. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan' | 'command';
type Piece = string | readonly [Style, string];
export type Styled = readonly [Style | undefined, string];
/** A line to be shown, in pieces. Whoever makes one need not clean its text: that is done where it is painted. */
export type Line = readonly Piece[];

/** The line as it goes to the terminal. This is the only way there, so that no text brings escape sequences of its own. */
export function paint(line: Line, color: boolean): string {
  return line
    .map((piece) => {
      const [style, safe] = partsOf(piece);
      return style && color ? styleText(style === 'command' ? 'bold' : style, safe, { validateStream: false }) : safe;
    })
    .join('');
}

/** The style of a piece, and its text without control characters. */
export function partsOf(piece: Piece): Styled {
  const [style, text] = typeof piece === 'string' ? [undefined, piece] : piece;
  return [style, clean(text).replaceAll('\n', ' ')];
}

/** Each of the texts as a line of its own, behind the same indent. */
export function block(texts: readonly string[], indent: string, style?: Style): Line[] {
  return texts.map((text) => (style ? [indent, [style, text]] : [indent, text]));
}
