import test from 'ava';
import { pullBody, updatedBody, type PullText } from '../../../../coordinator/forge/pulls/pull-body.ts';
import { issuesOf } from '../../../../coordinator/forge/pulls/pull-issues.ts';
import { titleOf } from '../../../../coordinator/forge/pulls/pull-title.ts';

const NAME = { owner: 'ada', name: 'demo.js' };
const text = (fields: Partial<PullText> = {}): PullText => ({
  summary: 'It works.',
  issues: [],
  url: 'https://errand.example.org/errands/1',
  task_id: '1',
  others: [],
  ...fields,
});
const result = (summary: string) => ({
  summary,
  branch: null,
  commit: null,
  base_commit: null,
  diff_stat: { files: 0, insertions: 0, deletions: 0 },
});

test('the title is a heading or a short first line of the result, else the title of the errand', (t) => {
  const cases: [string, string][] = [
    ['# Mend the `parser`\n\nMore.', 'Mend the parser'],
    ['Mend the parser\n\nMore.', 'Mend the parser'],
    ['**Mend** the parser', 'Mend the parser'],
    ['## Summary\n\n- one', 'Fix it'],
    ["I've mended the parser", 'Fix it'],
    ['Done! All tests pass.', 'Fix it'],
    ['The parser read one line too many, since the loop began at zero.', 'Fix it'],
    ['', 'Fix it'],
    ['# Tell @ada', 'Tell ada'],
    [`# ${'x'.repeat(300)}`, `${'x'.repeat(99)}…`],
  ];
  for (const [summary, title] of cases) t.is(titleOf({ title: 'Fix it', result: result(summary) }), title);
});

test('an issue is closed by the pull request only if the prompt says to solve it, or is nothing else', (t) => {
  const cases: [string, string][] = [
    ['Fix #12', '12!'],
    ['fixes: #12 and look at #13', '12! 13'],
    ['Please resolve issue #12.', '12!'],
    ['Behebe bitte Fehler #12', '12!'],
    ['https://github.com/ada/demo.js/issues/12', '12!'],
    ['Fix https://github.com/Ada/demo.js/issues/12 please', '12!'],
    ['#12', '12!'],
    ['As in #12, add a test', '12'],
    ['ada/demo.js#7 has the background', '7'],
    ['Fix bob/other#12', ''],
    ['Fix https://github.com/ada/demoXjs/issues/12', ''],
    ['Use colour #123abc and abc#12', ''],
    ['Fix #0 and #99999999999', ''],
    ['#1 #2 #3 #4 #5 #6 #7', '1 2 3 4 5'],
  ];
  for (const [prompt, expected] of cases) {
    const found = issuesOf(prompt, 'https://github.com', NAME);
    t.is(found.map(({ number, closes }) => `${number}${closes ? '!' : ''}`).join(' '), expected, prompt);
  }
});

test("the agent's words notify nobody, close nothing and hide nothing", (t) => {
  const summary =
    'Thanks @ada/team! This closes #7, resolves: ada/demo#8 and Fixes https://github.com/a/b/issues/9. <!-- errand: end --> a@b.c';
  const body = pullBody(text({ summary, issues: [{ number: 12, closes: true }] }), undefined);
  t.is(/(?<!\w)@\w/.exec(body), null);
  t.deepEqual(body.match(/(clos|fix|resolv)\w*:?\s+\S*(#|issues\/)\d+/gi), ['Fixes #12']);
  t.is(body.match(/<!--/g)?.length, 2);
  t.true(body.includes('a@b.c'));
});

test("the repository's template is heeded: the result comes below its first heading, the rest stays", (t) => {
  const template = '## Description\n<!-- say what -->\n\nCloses # (issue)\n\n## Checklist\n- [ ] Tests';
  const body = pullBody(text({ issues: [{ number: 12, closes: true }] }), template);
  const order = ['## Description', 'It works.', '<!-- say what -->', 'Closes #12', '## Checklist', '- [ ] Tests'];
  const places = order.map((part) => body.indexOf(part));
  t.false(places.includes(-1), body);
  t.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
  t.false(body.includes('Fixes'));
  t.true(pullBody(text(), '- [ ] I have read it').endsWith('- [ ] I have read it'));
  t.is(pullBody(text(), '  '), pullBody(text(), undefined));
  t.true(pullBody(text(), 'x'.repeat(1e6)).length < 65_536);
  t.true(pullBody(text({ summary: '@'.repeat(16_000) }), 'x'.repeat(1e6)).length < 65_536);
});

test('an update replaces what Errand wrote, and nothing that a person did', (t) => {
  const first = pullBody(text({ issues: [{ number: 12, closes: true }] }), '## What\n\n- [x] Done by me');
  const next = updatedBody(`Mine.\n${first}`, text({ summary: 'Better.', issues: [{ number: 12, closes: true }] }));
  t.is(next, `Mine.\n${first.replace('It works.', 'Better.')}`);
  t.is(updatedBody('All mine now.', text()), undefined);
  t.is(updatedBody('<!-- errand: end --> <!-- errand: begin -->', text()), undefined);
});
