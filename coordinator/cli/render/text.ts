import { stripVTControlCharacters } from 'node:util';

/* Text of agents, repositories and commands is not to be trusted with a terminal: nothing of it may move the cursor or hide what is there. */

/** Control characters but the line break, and those that turn the direction of writing round. */
const UNPRINTABLE = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]|(?!\n)\p{Cc}/gu;

/** The text without escape sequences and control characters; line breaks stay, and of a line that overwrote itself the last state. */
export function clean(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll('\r\n', '\n')
    .replace(/[^\n]*\r/g, '')
    .replaceAll('\t', '  ')
    .replace(/[\u2028\u2029]/g, '\n')
    .replace(UNPRINTABLE, '');
}

/** The text in one line of at most `chars_max` characters. */
export function oneLine(text: string, chars_max: number): string {
  // What is cut off need not be looked at; the factor leaves room for white space that is folded.
  const line = clean(text.slice(0, chars_max * 8))
    .replace(/\s+/g, ' ')
    .trim();
  return cut(line, chars_max);
}

const LINE_CHARS_MAX = 300;

/** The first and the last lines of a text, and how many lie between. */
export function headAndTail(text: string, head: number, tail: number): string[] {
  const lines = clean(text).trimEnd().split('\n');
  const hidden = lines.length - head - tail;
  const shown =
    hidden > 1 ? [...lines.slice(0, head), `… ${hidden} more lines …`, ...lines.slice(lines.length - tail)] : lines;
  return shown.map((line) => cut(line, LINE_CHARS_MAX));
}

/** The text in lines of at most `columns` characters, broken between words where there are any. */
export function wrap(text: string, columns: number): string[] {
  return clean(text)
    .split('\n')
    .flatMap((line) => {
      const rows: string[] = [];
      let rest = Array.from(line);
      while (rest.length > columns) {
        const space = rest.lastIndexOf(' ', columns);
        // What is before the first word is no place to break.
        const between_words = space > rest.findIndex((character) => character !== ' ');
        const end = between_words ? space : columns;
        rows.push(rest.slice(0, end).join(''));
        rest = rest.slice(between_words ? end + 1 : end);
      }
      return [...rows, rest.join('')];
    });
}

function cut(line: string, chars_max: number): string {
  const characters = Array.from(line);
  return characters.length > chars_max ? `${characters.slice(0, chars_max - 1).join('')}…` : line;
}
