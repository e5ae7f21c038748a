import test from 'ava';
import { AttemptFailure } from '../../../agent-container/base/failure.ts';
import { failed, succeeded } from '../../../agent-container/loop/work-result.ts';

const TITLE = 'The sum is wrong';

test('the first line of the closing text is the subject of the commit', (t) => {
  const { commit_message, summary } = succeeded(TITLE, '## `sum`: count from zero.\n\nIt began at one.');
  t.is(commit_message, 'sum: count from zero\n\nIt began at one.\n');
  t.is(summary, '## `sum`: count from zero.\n\nIt began at one.');
});

test('the title is the subject if the first line is too long or missing', (t) => {
  const long = `I have looked at everything, ${'and then some more, '.repeat(5)}and it works.`;
  t.is(succeeded(TITLE, long).commit_message, `${TITLE}\n\n${long}\n`);
  t.is(succeeded(TITLE, '').commit_message, `${TITLE}\n`);
  t.is(succeeded('x'.repeat(80), '').commit_message.length, 73);
  t.not(succeeded('', '').commit_message.trim(), '');
});

test('a commit message closes no issue, mentions nobody, and does not say what became of each comment', (t) => {
  const text =
    'Fix #12\n\nFixes #999, closes you/other#3, Resolves: https://github.com/a/b/issues/4. Thanks @torvalds and ' +
    '(@a-b) of @acme/security. As me@example.org says, `@types/node` stays.\n\n[1] fixed: it is right\n- [2] not changed: why';
  const { commit_message, summary } = succeeded(TITLE, text);
  t.is(
    commit_message,
    'Fix\u200B #12\n\nFixes\u200B #999, closes\u200B you/other#3, Resolves\u200B: https://github.com/a/b/issues/4. Thanks ' +
      '@\u200Btorvalds and (@\u200Ba-b) of @\u200Bacme/security. As me@example.org says, `@types/node` stays.\n',
  );
  t.is(summary, text);
  t.is(succeeded(TITLE, '[1] fixed: it is right').commit_message, `${TITLE}\n`);
  t.is(succeeded('Close #5', '').commit_message, 'Close\u200B #5\n');
});

test('a commit message keeps what is in backticks, and a lone backtick hides no name', (t) => {
  const kept = 'Both `@cached_property` and ``a ` @b`` stay.\n\n```py\n@cached\n\n@other\n```\n';
  t.is(succeeded(TITLE, `Cache it\n\n${kept}`).commit_message, `Cache it\n\n${kept}`);
  t.is(
    succeeded(TITLE, 'It\n\nA ` here.\n\n@a and ` @b').commit_message,
    'It\n\nA ` here.\n\n@\u200Ba and ` @\u200Bb\n',
  );
  t.is(succeeded(TITLE, 'Use `@babel/core`').commit_message, 'Use @\u200Bbabel/core\n', 'the subject has no backticks');
});

test('a commit message keeps addresses of the web as they are', (t) => {
  const kept = 'See https://www.npmjs.com/package/@babel/core and <http://a.example/@b>.';
  t.is(succeeded(TITLE, `It\n\n${kept} Ask @ann`).commit_message, `It\n\n${kept} Ask @\u200Bann\n`);
});

test('summary and detail are cut at their limits', (t) => {
  const failure = new AttemptFailure('verify_failed', `begin ${'x'.repeat(50_000)} end`);
  const { summary, detail } = failed(TITLE, 's'.repeat(50_000), failure);
  t.true(summary.length <= 16_000 && summary.length > 15_900);
  t.true((detail ?? '').length <= 4000);
  t.regex(detail ?? '', /^begin x+\n\[… \d+ characters …\]\nx+ end$/);
});

test('a summary that is cut keeps its last lines, which say what became of each comment', (t) => {
  const lines = Array.from({ length: 30 }, (_, i) => `[${i + 1}] fixed: ${'word '.repeat(30)}${i}`);
  const { summary } = succeeded(TITLE, `I did it.\n${'Much of it.\n'.repeat(3_000)}\n${lines.join('\n')}`);
  t.true(summary.length <= 16_000);
  t.true(summary.startsWith('I did it.\n'));
  for (const line of lines) t.true(summary.includes(`\n${line}`), line);
});
