import test from 'ava';
import { cutMiddle, HeadAndTail, headAndTail } from '../../../agent-container/base/head-and-tail.ts';

test('a long text keeps its head and tail, and says how much is missing', (t) => {
  t.is(headAndTail('short'), 'short');
  const text = `${'h'.repeat(20_000)}${'t'.repeat(30_000)}`;
  const shown = headAndTail(text);
  t.regex(shown, /^h{12000}\n\[… 20000 characters left out …\]\nt{18000}$/);
});

test('a text that grows without end takes bounded memory', (t) => {
  const kept = new HeadAndTail();
  for (let i = 0; i < 1000; i++) kept.push('x'.repeat(10_000));
  t.is(kept.omitted_chars, 10_000_000 - 30_000);
  t.true(kept.toString().length < 31_000);
});

test('no character is cut in half', (t) => {
  t.true(headAndTail(`x${'😀'.repeat(40_000)}`).isWellFormed());
  t.true(cutMiddle(`x${'😀'.repeat(400)}`, 100).isWellFormed());
});

test('the middle is cut out of a text above its limit', (t) => {
  t.is(cutMiddle('short', 100), 'short');
  t.is(
    cutMiddle(`${'h'.repeat(200)}${'t'.repeat(200)}`, 100),
    `${'h'.repeat(30)}\n[… 340 characters …]\n${'t'.repeat(30)}`,
  );
  t.true(cutMiddle('x'.repeat(50), 10).length < 50);
});
