import { stripVTControlCharacters } from 'node:util';

/* The text of agents, repositories and commands is hostile: it must not move the cursor or hide other output. */

/** Control characters except the line break, and the marks that reverse the writing direction. */
const UNPRINTABLE = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]|(?!\n)\p{Cc}/gu;

/**
 * Removes escape sequences and control characters. Keeps line breaks; a line that was overwritten with `\r` keeps its
 * last state.
 */
export function clean(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll('\r\n', '\n')
    .split('\n')
    .map((line) => line.slice(line.lastIndexOf('\r') + 1))
    .join('\n')
    .replaceAll('\t', '  ')
    .replace(/[\u2028\u2029]/g, '\n')
    .replace(UNPRINTABLE, '');
}

/** The text in one line of at most `chars_max` characters. */
export function oneLine(text: string, chars_max: number): string {
  // Clean only what can be shown; the factor leaves room for white space that is collapsed.
  const line = clean(text.slice(0, chars_max * 8))
    .replace(/\s+/g, ' ')
    .trim();
  return cut(line, chars_max);
}

const LINE_CHARS_MAX = 300;
const COLUMNS_MIN = 20;

/** The first and the last lines of a text, and the number of lines between them. */
export function headAndTail(text: string, head: number, tail: number): string[] {
  const lines = clean(text).trimEnd().split('\n');
  const hidden = lines.length - head - tail;
  const shown =
    hidden > 1 ? [...lines.slice(0, head), `… ${hidden} more lines …`, ...lines.slice(lines.length - tail)] : lines;
  return shown.map((line) => cut(line, LINE_CHARS_MAX));
}

/** How wide a terminal is, in characters. One whose size is unknown, or 0 as on a serial line, is taken for usual. */
export function columnsOf(terminal: { columns?: number }): number {
  return terminal.columns || 80;
}

/**
 * Breaks a text into lines of at most `columns` characters: between words if possible, and then with the same indent.
 * Where there is hardly any room, lines have 20 characters, and the terminal breaks them.
 */
export function wrap(text: string, columns: number): string[] {
  const room = Math.max(COLUMNS_MIN, columns);
  return clean(text)
    .split('\n')
    .flatMap((line) => {
      const rows: string[] = [];
      const characters = Array.from(line.trimEnd());
      const spaces = characters.findIndex((character) => character !== ' ');
      const indent = spaces < room / 2 ? characters.slice(0, Math.max(0, spaces)) : [];
      let [before, from]: [string[], number] = [[], 0];
      while (before.length + characters.length - from > room) {
        const row = [...before, ...characters.slice(from, from + room + 1)];
        const space = row.lastIndexOf(' ', room);
        // Do not break inside the indent.
        const first = row.findIndex((character) => character !== ' ');
        const between_words = first >= 0 && space > first;
        const end = between_words ? space : room;
        rows.push(row.slice(0, end).join(''));
        from += end - before.length + (between_words ? 1 : 0);
        before = between_words ? indent : [];
      }
      return [...rows, [...before, ...characters.slice(from)].join('')];
    });
}

function cut(line: string, chars_max: number): string {
  const characters = Array.from(line);
  return characters.length > chars_max ? `${characters.slice(0, chars_max - 1).join('')}…` : line;
}
