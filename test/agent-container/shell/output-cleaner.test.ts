import test from 'ava';
import { Secrets } from '../../../agent-container/base/secrets.ts';
import { OutputCleaner } from '../../../agent-container/shell/output-cleaner.ts';

const clean = (pieces: Uint8Array[], env: Record<string, string> = {}) => {
  const cleaner = new OutputCleaner(new Secrets({ env }));
  return [...pieces.map((piece) => cleaner.push(piece)), cleaner.end()];
};
const bytes = (text: string) => Buffer.from(text);

test('characters, escape sequences and secrets may come in two halves', (t) => {
  const all = bytes('a \u001B[31mred\u001B[0m ü 😀 s3cr3t-value end\n');
  for (let cut = 0; cut <= all.length; cut++) {
    const pieces = clean([all.subarray(0, cut), all.subarray(cut)], { KEY: 's3cr3t-value' });
    t.is(pieces.join(''), 'a red ü 😀 [secret KEY] end\n', `cut at ${cut}`);
  }
});

test('without secrets nothing is held back', (t) => {
  t.deepEqual(clean([bytes('one'), bytes('two')]), ['one', 'two', '']);
});

test('of a text only what may begin a secret is held back', (t) => {
  const env = { KEY: 's3cr3t-value', OTHER: 'x'.repeat(5_000).concat('abcde') };
  t.deepEqual(clean([bytes('listening on port 3000\n')], env), ['listening on port 3000\n', '']);
  t.deepEqual(clean([bytes('the s3cr3t'), bytes('-val'), bytes('id')], env), ['the ', '', 's3cr3t-valid', '']);
});

test('the end of an escape sequence is not waited for without a limit', (t) => {
  const [first] = clean([bytes(`\u001B[${'x'.repeat(100)}`)]);
  t.true((first ?? '').length > 50);
});
