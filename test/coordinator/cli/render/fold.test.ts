import test from 'ava';
import { fold } from '../../../../coordinator/cli/render/fold.ts';
import { paint, type Line } from '../../../../coordinator/cli/render/line.ts';

const rows = (line: Line, columns: number) => fold(line, columns).map((row) => paint(row, false));

test('a line breaks between words and keeps its indent', (t) => {
  t.deepEqual(rows(['  one  ', ['bold', 'two'], ', three four'], 13), ['  one  two,', '  three four']);
  t.deepEqual(rows(['short ', ['dim', 'enough']], 12), ['short enough']);
  t.deepEqual(rows([['bold', 'a'], ` ${'x'.repeat(30)} b`], 20), ['a', 'x'.repeat(30), 'b']);
});

test('a command is never broken, so that it can be copied', (t) => {
  const command = 'npx errand watch 0123456789';
  t.deepEqual(rows(['Watch it again with ', ['command', command]], 20), ['Watch it again with', command]);
  t.deepEqual(rows(['  ', ['command', command]], 20), [`  ${command}`]);
});
