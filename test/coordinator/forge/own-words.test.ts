import test from 'ava';
import { quiet } from '../../../coordinator/forge/own-words.ts';
import { isSameName } from '../../../coordinator/forge/repository-name.ts';

const QUIET: [text: string, quiet: string][] = [
  ['Ask @ada.', 'Ask @\u200Bada.'],
  ['(@org/team)', '(@\u200Borg/team)'],
  ['a code mark that does not end: `@ada', 'a code mark that does not end: `@\u200Bada'],
  ['_@ada', '_@\u200Bada'],
  ['é@ada', 'é@\u200Bada'],
  ['@@ada', '@@\u200Bada'],
  ['ada@example.org', 'ada@example.org'],
  ['a @ b', 'a @ b'],
  ['a\u202E@ada', 'a@ada'],
  ['<!-- hidden -->', '<\u200B!-- hidden -->'],
];
for (const [text, expected] of QUIET)
  test(`text for a forge mentions nobody and hides nothing: ${text}`, (t) => t.is(quiet(text), expected));

test('names of repositories are compared without their case, and a repository that is gone is none', (t) => {
  const demo = { owner: 'Ada', name: 'Demo' };
  t.true(isSameName({ owner: 'ada', name: 'demo' }, demo));
  t.false(isSameName({ owner: 'ada', name: 'demo2' }, demo));
  t.false(isSameName({ owner: 'bob', name: 'Demo' }, demo));
  t.false(isSameName(null, demo));
});
