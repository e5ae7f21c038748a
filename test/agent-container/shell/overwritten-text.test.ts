import test from 'ava';
import { OverwrittenText } from '../../../agent-container/shell/overwritten-text.ts';

const shown = (pieces: string[]) => {
  const text = new OverwrittenText();
  return pieces.map((piece) => text.push(piece)).join('') + text.end();
};

const CASES: [name: string, written: string, last: string][] = [
  ['plain lines', 'one\ntwo\n\nthree', 'one\ntwo\n\nthree'],
  ['a bar that returns before it writes', '\r1%\r50%\r100%\nok\n', '100%\nok\n'],
  ['a bar that returns after it wrote', '1%\r50%\r100%\r\nok\n', '100%\nok\n'],
  ['a bar that gets shorter', 'Downloading…\rDone\n', 'Done\n'],
  ['two bars', 'a 1%\ra 2%\nb 1%\rb 2%\n', 'a 2%\nb 2%\n'],
  ['a bar that was ended', '1%\r50%\r', '50%'],
  ['CRLF', 'one\r\ntwo\r\r\n', 'one\ntwo\n'],
  ['a spinner', '-\b\\\b|\b/\bok\n', 'ok\n'],
  ['a count that goes back', '10%\b\b\b20%\b\b\b30%', '30%'],
  ['nothing but returns', '\r\r\r\n\b\b\n', '\n\n'],
];

for (const [name, written, last] of CASES)
  test(`only the last state of each line is left, in whatever pieces it comes: ${name}`, (t) => {
    for (let at = 0; at <= written.length; at++)
      for (let next = at; next <= written.length; next++)
        t.is(shown([written.slice(0, at), written.slice(at, next), written.slice(next)]), last);
    t.is(shown(written.split('')), last);
  });

test('a long progress bar, and a line without an end, take bounded time and memory', (t) => {
  const started = performance.now();
  const bar = new OverwrittenText();
  for (let i = 0; i < 200_000; i++) t.is(bar.push(`\r${'='.repeat(60)}${i}`), '');
  t.is(bar.end(), `${'='.repeat(60)}199999`);
  const line = new OverwrittenText();
  let chars = 0;
  for (let i = 0; i < 200_000; i++) chars += line.push('x'.repeat(50)).length;
  t.is(chars + line.end().length, 10_000_000);
  t.is(shown([`${'\r'.repeat(1_000_000)}x`]), 'x');
  t.true(performance.now() - started < 20_000);
});
