import type { ExecutionContext } from 'ava';

const CHARS = 100_000;
const filled = (piece: string, chars = CHARS) => piece.repeat(chars / piece.length);

/** Runs that an expression may look at once for each of their characters, where they do not end as it wants. */
const PIECES = [
  ' ',
  '\t',
  '-',
  '_',
  '*',
  '~',
  '.',
  '!',
  'a',
  '#',
  ' #',
  '`',
  '` ',
  '> ',
  '\n',
  '\r\n',
  '\r',
  'a\u2028',
  '[\u2028',
  '```\r',
  '<!--',
  '-->',
  '@',
  '[',
  '[1]',
  '[exit code ',
  '(',
  'eyJ-',
  'token',
];
const WORDS = ['#1 ', 'fixes ', 'fixes: ', 'fix the ', 'not ', '\n\n@a asks for this in the issue #1', 'https://a.b/'];
const BEFORE = ['', '# x', '[1] fixed: x', '[1]', 'fixes', 'Fixes #'];

/** The piece up to the end, to what is no end of a line for all, and on both sides of a mark. */
const shapes = (before: string, piece: string) => [
  `${before}${filled(piece)}x`,
  `${before}${filled(piece)}\u2028x`,
  `${before}${filled(piece, CHARS / 2)}#${filled(piece, CHARS / 2)}x`,
];

/** Work that grows with the square of the length takes from 5 to 30 s of CPU time, and with its cube, hours. */
export function takesLittleWork(t: ExecutionContext, read: (text: string) => unknown): void {
  for (const before of BEFORE)
    for (const text of [...PIECES, ...WORDS].flatMap((piece) => shapes(before, piece))) {
      const start = process.threadCpuUsage();
      read(text);
      const { user, system } = process.threadCpuUsage(start);
      if (user + system > 1_500_000) t.fail(`${JSON.stringify(text.slice(0, 30))}: ${user + system} µs`);
    }
  t.pass();
}
