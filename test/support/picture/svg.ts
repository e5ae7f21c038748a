import type { Cell, Look } from './terminal.ts';

const FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace";
const FONT_PX = 14;
const COLUMN_PX = 8.4;
const ROW_PX = 19;
const MARGIN_PX = 18;
const BAR_PX = 38;
const ABOVE_PX = 10;
const COLORS: Record<number, string> = { 31: '#ff7b72', 32: '#7ee787', 33: '#e3b341', 36: '#76d9e6' };
const TEXT = '#d0d7de';
const DIM = '#8b949e';
const BOLD = '#ffffff';
/** Some phones draw these as emoji without a variation selector. */
const NO_EMOJI = /[☑☐▣▸●◦✔✘]/g;

/** Draws a terminal's rows as a window with a title. Text is stretched to its columns, whatever the viewer's font. */
export function toSvg(rows: readonly (readonly Cell[])[], columns: number, title: string): string {
  const width = columns * COLUMN_PX + 2 * MARGIN_PX;
  const height = BAR_PX + ABOVE_PX + rows.length * ROW_PX + MARGIN_PX;
  const lines = rows.flatMap((row, index) =>
    runs(row).map((run) => toText(run, BAR_PX + ABOVE_PX + (index + 1) * ROW_PX - 5)),
  );
  const lights = ['#ff5f57', '#febc2e', '#28c840'].map(
    (color, index) => `<circle cx="${MARGIN_PX + 6 + index * 20}" cy="${BAR_PX / 2}" r="6" fill="${color}"/>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escape(title)}</title>
<rect width="${width}" height="${height}" rx="10" fill="#0d1117"/>
<path d="M0 ${BAR_PX}V10a10 10 0 0 1 10 -10H${width - 10}a10 10 0 0 1 10 10V${BAR_PX}z" fill="#1c2230"/>
${lights.join('\n')}
<g font-family="${FONT}" font-size="${FONT_PX}">
<text x="${MARGIN_PX + 72}" y="${BAR_PX / 2 + 5}" fill="${DIM}" font-size="13">${escape(title)}</text>
${lines.join('\n')}
</g>
</svg>
`;
}

type Run = { text: string; column: number; look: Look };

/** Splits a row into runs of one look. White space at the ends of a run is not drawn. */
function runs(row: readonly Cell[]): Run[] {
  const found: Run[] = [];
  for (const [column, { character, look }] of row.entries()) {
    const last = found.at(-1);
    if (last?.look === look) last.text += character;
    else found.push({ text: character, column, look });
  }
  return found
    .map(({ text, column, look }) => ({ text: text.trim(), column: column + text.search(/\S|$/), look }))
    .filter(({ text }) => text !== '');
}

function toText({ text, column, look }: Run, y: number): string {
  const color = look.color === undefined ? undefined : COLORS[look.color];
  const fill = color ?? (look.dim ? DIM : look.bold ? BOLD : TEXT);
  const x = (MARGIN_PX + column * COLUMN_PX).toFixed(1);
  const length = (Array.from(text).length * COLUMN_PX).toFixed(1);
  const weight = look.bold ? ' font-weight="bold"' : '';
  return `<text x="${x}" y="${y}" fill="${fill}"${weight} textLength="${length}" lengthAdjust="spacingAndGlyphs">${escape(text)}</text>`;
}

function escape(text: string): string {
  return (
    text
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      // Otherwise several spaces would collapse into one.
      .replaceAll(' ', '\u00A0')
      .replace(NO_EMOJI, (character) => `${character}\uFE0E`)
  );
}
