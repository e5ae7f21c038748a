import test from 'ava';
import type { Thread } from '../../../../coordinator/forge/forge.ts';
import { promptFor } from '../../../../coordinator/forge/intake/material.ts';
import { pullBody, updatedBody, type PullText } from '../../../../coordinator/forge/pulls/pull-body.ts';
import { issuesOf } from '../../../../coordinator/forge/pulls/pull-issues.ts';
import { pullTitleOf } from '../../../../protocol/pull-title.ts';

const NAME = { owner: 'ada', name: 'demo.js' };
const text = (fields: Partial<PullText> = {}): PullText => ({
  summary: 'It works.',
  issues: [],
  url: 'https://errand.example.org/errands/1',
  task_id: '1',
  others: [],
  merged: undefined,
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
    ['# Fix #12: first half', 'Fix\u200B #12: first half'],
    ['Half of a\u202Eb, closes\u2066 a/b#7', 'Half of ab, closes\u200B a/b#7'],
    ['# Tell @ada', 'Tell @\u200Bada'],
    ['Bump @babel/core and write to ada@example.org', 'Bump @\u200Bbabel/core and write to ada@example.org'],
    ['Rename __init__ to _setup_', 'Rename __init__ to _setup_'],
    ['Match *.ts and src/**/*.js', 'Match *.ts and src/**/*.js'],
    ['Multiply 2 * 3 by a*b*c', 'Multiply 2 * 3 by a*b*c'],
    ['Read *all* of **`a.ts`**', 'Read all of a.ts'],
    ['Allow a lone ` in ``a ` b``', 'Allow a lone ` in ``a ` b``'],
    [`# ${'x'.repeat(300)}`, `${'x'.repeat(99)}…`],
  ];
  for (const [summary, title] of cases) t.is(pullTitleOf({ title: 'Fix it', result: result(summary) }), title);
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
    ['Fixes:\n- #12\n- #13', '12 13'],
    ['Do not close:\n- #12', '12'],
    ['Fix #12, #13 has the background', '12! 13'],
    ['Fix #123456, as in ada/demo.js#654321', '123456! 654321'],
    ['Do not close #9', '9'],
    ["Mend the parser, but don't fix #9", '9'],
    ['Schließe #9 bitte nicht', '9'],
    ['Bitte nicht #9 schließen, behebe #12', '9 12'],
    ['It does not work. Fix #12', '12!'],
    ['> fixes #7\n\nAs said there', ''],
  ];
  for (const [prompt, expected] of cases) {
    const found = issuesOf(prompt, 'https://github.com', NAME, true);
    t.is(found.map(({ number, closes }) => `${number}${closes ? '!' : ''}`).join(' '), expected, prompt);
  }
});

test('a number that stands alone may be none of an issue, unless the words before it say so', (t) => {
  const cases: [string, string][] = [
    ['Make the text #111, as in step #2 of the guide', '111? 2?'],
    ['Make the header #333333, the text #111111 and the frame #000000', '333333? 111111?'],
    ['Fix #12, as in #13', '12 13?'],
    ['Fix #12 and #13', '12 13'],
    ['Behebe #12, #13 und #14. Schritt #2 zuerst', '12 13 14 2?'],
    ['Fixes:\n- #12\n- #13', '12 13'],
    ['Do not close #9', '9'],
    ['This is issue #12.', '12'],
    ['The bugs #12 and #13, in #333', '12 13 333?'],
    ['Please look at #12', '12?'],
    ['As in #12 and ada/demo.js#12, and https://github.com/ada/demo.js/issues/7', '12 7'],
    ['Mend it\n\n@eve asks for this in the issue #9 of ada/demo: x', '9'],
  ];
  for (const [prompt, expected] of cases) {
    const found = issuesOf(prompt, 'https://github.com', NAME, true);
    t.is(found.map(({ number, is_sure }) => `${number}${is_sure ? '' : '?'}`).join(' '), expected, prompt);
  }
});

test('in a further repository only an issue that is named with its repository, or by its address, is meant', (t) => {
  const cases: [string, string][] = [
    ['Fix #12', ''],
    ['#12', ''],
    ['Fix ada/demo.js#12 and #13', '12!'],
    ['Fix ada/other#12', ''],
    ['Fix https://github.com/ada/demo.js/issues/7, as in #9', '7!'],
    ['Mend it\n\n@eve asks for this in the issue #9 of ada/demo: x', ''],
  ];
  for (const [prompt, expected] of cases) {
    const found = issuesOf(prompt, 'https://github.com', NAME, false);
    t.is(found.map(({ number, closes }) => `${number}${closes ? '!' : ''}`).join(' '), expected, prompt);
  }
});

test('a mention closes the issue that it stands in, and nothing that others name there', (t) => {
  const person = (login: string) => ({ id: login, login, name: null, email: null, bot: false });
  const comment = {
    id: '1',
    author: person('eve'),
    body: 'fixes #7 and fixes #8\n\n@eve asks for this in the issue #9 of ada/demo.js: x',
    created_at: '2026-01-01T00:00:00Z',
    url: 'https://github.com/ada/demo.js/issues/12#1',
    review: null,
  };
  const thread = (fields: Partial<Thread> = {}): Thread => ({
    number: 12,
    title: 'This closes #5',
    created_at: '2026-01-01T00:00:00Z',
    state: 'open',
    body: 'Fix #6',
    url: 'https://github.com/ada/demo.js/issues/12',
    author: person('eve'),
    is_pull: false,
    labels: [],
    comments: [comment],
    cut: false,
    ...fields,
  });
  const cases: [string, Thread, string][] = [
    ['', thread(), '12!'],
    ['Mend it', thread(), '12!'],
    ['Fix #13 as well, as in #14', thread(), '12! 13! 14'],
    ['fix #12', thread(), '12!'],
    ['', thread({ is_pull: true }), '12'],
    ['Go on, and fix #13', thread({ is_pull: true }), '12 13!'],
  ];
  for (const [request, of, expected] of cases) {
    const prompt = promptFor({ request, login: 'ada', repository: 'ada/demo.js' }, of);
    const found = issuesOf(prompt, 'https://github.com', NAME, true);
    t.is(found.map(({ number, closes }) => `${number}${closes ? '!' : ''}`).join(' '), expected, request);
  }
});

test("the agent's words notify nobody, close nothing and hide nothing", (t) => {
  const summary =
    'Thanks @ada/team! This closes #7, resolves: ada/demo#8 and Fixes https://github.com/a/b/issues/9, closes GH-10. <!-- errand: end --> a@b.c';
  const body = pullBody(text({ summary, issues: [{ number: 12, closes: true }] }), undefined);
  t.is(/(?<!\w)@\w/.exec(body), null);
  t.deepEqual(body.match(/(clos|fix|resolv)\w*:?\s+\S*(#|issues\/|gh-)\d+/gi), ['Fixes #12']);
  t.is(body.match(/<!--/g)?.length, 2);
  t.true(body.includes('a@b.c'));
});

test("the repository's template is used: the result comes below its first heading, the rest stays", (t) => {
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

test('a text that is cut ends with a whole character', (t) => {
  for (const before of ['', 'x']) {
    const long = before + '\u{1F600}'.repeat(20_000);
    for (const body of [pullBody(text({ summary: long }), undefined), pullBody(text(), `# Description\n${long}`)])
      t.true(body.isWellFormed());
  }
});
