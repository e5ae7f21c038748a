import { styleText } from 'node:util';
import { clean, wrap } from './text.ts';

/** How a piece of a line looks where the terminal has colours. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';
/** A line to be shown, in pieces. Whoever makes one need not clean its text: that is done where it is painted. */
export type Line = readonly (string | readonly [Style, string])[];

/** The line as it goes to the terminal. This is the only way there, so that no text brings escape sequences of its own. */
export function paint(line: Line, color: boolean): string {
  return line
    .map((piece) => {
      const [style, text] = typeof piece === 'string' ? [undefined, piece] : piece;
      const safe = clean(text).replaceAll('\n', ' ');
      return style && color ? styleText(style, safe, { validateStream: false }) : safe;
    })
    .join('');
}

/** Each of the texts as a line of its own, behind the same indent. */
export function block(texts: readonly string[], indent: string, style?: Style): Line[] {
  return texts.map((text) => (style ? [indent, [style, text]] : [indent, text]));
}

const TEXT_COLUMNS_MIN = 20;

/** A line of `block` in as many as the terminal has room for, each behind the indent. Any other is left to the terminal. */
export function fold(line: Line, columns: number): Line[] {
  const [indent, piece, ...others] = line;
  if (typeof indent !== 'string' || piece === undefined || others.length > 0) return [line];
  const [style, text] = typeof piece === 'string' ? [undefined, piece] : piece;
  return block(wrap(text, Math.max(TEXT_COLUMNS_MIN, columns - indent.length)), indent, style);
}
