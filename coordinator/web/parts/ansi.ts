/** A piece of terminal output. `classes`: how it looks, such as `ansi-red ansi-bold`. */
export type AnsiPart = { text: string; classes: string };

const COLOURS = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];
/**
 * Colours and the like; then every other sequence, and the characters that only a terminal understands. They are made
 * from texts, in which an escape is seen.
 */
const ESCAPE = '\\u001b';
const SEQUENCE = new RegExp(
  [
    `${ESCAPE}\\[([\\d;:]*)m`,
    `${ESCAPE}\\[[\\d;?:]*[ -/]*[@-~]`,
    `${ESCAPE}\\][^\\u0007${ESCAPE}]*(?:\\u0007|${ESCAPE}\\\\)`,
    `${ESCAPE}[@-Z\\\\-_]`,
    '[\\u0000-\\u0008\\u000b-\\u001f\\u007f]',
  ].join('|'),
  'g',
);

/** Splits terminal output into pieces with one look each. What else a terminal would do is left out. */
export function parseAnsi(output: string): AnsiPart[] {
  const parts: AnsiPart[] = [];
  let [bold, dim, colour] = [false, false, ''];
  let from = 0;
  const add = (text: string): void => {
    if (text === '') return;
    const classes = [bold && 'ansi-bold', dim && 'ansi-dim', colour && `ansi-${colour}`].filter(Boolean).join(' ');
    parts.push({ text, classes });
  };
  const text = lastOfLines(output);
  for (const match of text.matchAll(SEQUENCE)) {
    add(text.slice(from, match.index));
    from = match.index + match[0].length;
    if (match[1] === undefined) continue;
    for (const code of codesOf(match[1]))
      if (code === 0) [bold, dim, colour] = [false, false, ''];
      else if (code === 1) bold = true;
      else if (code === 2) dim = true;
      else if (code === 22) [bold, dim] = [false, false];
      else if (code === 39) colour = '';
      else if (code >= 30 && code <= 37) colour = COLOURS[code - 30] ?? '';
      else if (code >= 90 && code <= 97) colour = COLOURS[code - 90] ?? '';
  }
  add(text.slice(from));
  return parts;
}

/** The numbers of a sequence. A colour out of 256, or of 16 million, is left out with its parameters. */
function codesOf(text: string): number[] {
  const codes = text.split(/[;:]/).map(Number);
  const extended = codes.findIndex((code) => code === 38 || code === 48);
  return extended === -1 ? codes : codes.slice(0, extended);
}

/** A carriage return writes a line anew, as progress bars do: only its last state counts. */
function lastOfLines(output: string): string {
  const lines = output.replaceAll('\r\n', '\n').split('\n');
  return lines.map((line) => line.slice(line.lastIndexOf('\r', line.length - 2) + 1)).join('\n');
}
