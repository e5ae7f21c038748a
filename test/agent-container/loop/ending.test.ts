import test from 'ava';
import { failed, succeeded } from '../../../agent-container/loop/ending.ts';
import { Stopped } from '../../../agent-container/loop/stopped.ts';

const TITLE = 'The sum is wrong';

test('takes the first line of the closing words as the subject of the commit', (t) => {
  const { commit_message, summary } = succeeded(TITLE, '## `sum`: count from zero.\n\nIt began at one.');
  t.is(commit_message, 'sum: count from zero\n\nIt began at one.\n');
  t.is(summary, '## `sum`: count from zero.\n\nIt began at one.');
});

test('takes the title where the first line cannot be one', (t) => {
  const long = `I have looked at everything, ${'and then some more, '.repeat(5)}and it works.`;
  t.is(succeeded(TITLE, long).commit_message, `${TITLE}\n\n${long}\n`);
  t.is(succeeded(TITLE, '').commit_message, `${TITLE}\n`);
  t.is(succeeded('x'.repeat(80), '').commit_message.length, 73);
  t.not(succeeded('', '').commit_message.trim(), '');
});

test('bounds what it says', (t) => {
  const end = failed(TITLE, 's'.repeat(50_000), new Stopped('verify_failed', `begin ${'x'.repeat(50_000)} end`));
  t.is(end.summary.length, 16_000);
  t.true((end.detail ?? '').length <= 4000);
  t.regex(end.detail ?? '', /^begin x+\n\[…\]\nx+ end$/);
});
