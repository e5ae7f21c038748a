import { renderUnicodeCompact } from 'uqr';
import type { Line } from './line.ts';

/** The modules around a code that must stay empty. The standard asks for four; two are enough for phones, and fit. */
const BORDER = 2;

/** A text as a QR code for a terminal: two rows of it in one line. */
export function qrLines(text: string): Line[] {
  return renderUnicodeCompact(text, { border: BORDER })
    .split('\n')
    .map((line): Line => [['qr', line]]);
}
