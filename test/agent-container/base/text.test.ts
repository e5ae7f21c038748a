import test from 'ava';
import { HeadAndTail, headAndTail, inWords, Secrets, TextCleaner } from '../../../agent-container/base/text.ts';

const cleaned = (pieces: Uint8Array[], env: Record<string, string> = {}) => {
  const cleaner = new TextCleaner(new Secrets(env));
  return [...pieces.map((piece) => cleaner.push(piece)), cleaner.end()];
};
const bytes = (text: string) => Buffer.from(text);

test('decodes characters, colours and secrets that come in two halves', (t) => {
  const whole = 'a \u001B[31mred\u001B[0m ü 😀 s3cr3t-value end\n';
  const all = bytes(whole);
  for (let cut = 0; cut <= all.length; cut++) {
    const pieces = cleaned([all.subarray(0, cut), all.subarray(cut)], { KEY: 's3cr3t-value' });
    t.is(pieces.join(''), 'a red ü 😀 [secret KEY] end\n', `cut at ${cut}`);
  }
});

test('holds nothing back where there are no secrets', (t) => {
  t.deepEqual(cleaned([bytes('one'), bytes('two')]), ['one', 'two', '']);
});

test('does not wait for ever for the end of an escape sequence', (t) => {
  const [first] = cleaned([bytes(`\u001B[${'x'.repeat(100)}`)]);
  t.true((first ?? '').length > 50);
});

test('redacts the longer of two secrets first, and leaves short values alone', (t) => {
  const secrets = new Secrets({ A: 'abcdef', B: 'abcdefgh', C: 'on' });
  t.is(secrets.redact('abcdefgh abcdef on'), '[secret B] [secret A] on');
});

test('keeps the head and the tail, and says what is missing', (t) => {
  t.is(headAndTail('short'), 'short');
  const text = `${'h'.repeat(20_000)}${'t'.repeat(30_000)}`;
  const shown = headAndTail(text);
  t.regex(shown, /^h{12000}\n\[… 20000 characters left out …\]\nt{18000}$/);
});

test('keeps little of a text that never ends', (t) => {
  const kept = new HeadAndTail();
  for (let i = 0; i < 1000; i++) kept.push('x'.repeat(10_000));
  t.is(kept.left_out, 10_000_000 - 30_000);
  t.true(kept.toString().length < 31_000);
});

test('never gives half of a character', (t) => {
  const shown = headAndTail(`x${'😀'.repeat(40_000)}`);
  t.true(shown.isWellFormed());
});

test('says times in words', (t) => {
  t.deepEqual([340, 2_400, 185_000].map(inWords), ['340 ms', '2.4 s', '3 min 5 s']);
});
