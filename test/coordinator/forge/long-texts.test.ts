import test from 'ava';
import type { Thread } from '../../../coordinator/forge/forge.ts';
import { findMention } from '../../../coordinator/forge/intake/mention.ts';
import { namedPlace } from '../../../coordinator/forge/intake/named-place.ts';
import { promptFor, reviewMessage } from '../../../coordinator/forge/intake/material.ts';
import { outcomesOf } from '../../../coordinator/forge/intake/outcomes.ts';
import { withoutOutcomes } from '../../../protocol/closing-text.ts';
import { spoken } from '../../../coordinator/forge/intake/words.ts';
import { signatureOf } from '../../../coordinator/forge/own-words.ts';
import { pullBody, updatedBody, type PullText } from '../../../coordinator/forge/pulls/pull-body.ts';
import { issuesOf } from '../../../coordinator/forge/pulls/pull-issues.ts';
import { pullTitleOf } from '../../../protocol/pull-title.ts';
import { takesLittleWork } from '../../support/takes-little-work.ts';

const CHARS = 100_000;
const author = { id: '1', login: 'eve', name: null, email: null, bot: false };
const threadOf = (body: string): Thread => ({
  created_at: '2026-01-01T00:00:00Z',
  number: 1,
  title: body,
  body,
  author,
  labels: [],
  comments: [],
  url: 'https://a.b/1',
  state: 'open',
  cut: false,
  is_pull: false,
});
const pullText = (summary: string): PullText => ({
  summary,
  issues: [{ number: 1, closes: true }],
  url: undefined,
  task_id: '1',
  others: [],
  merged: undefined,
});
const resultOf = (summary: string) => ({
  summary,
  branch: null,
  commit: null,
  base_commit: null,
  diff_stat: { files: 0, insertions: 0, deletions: 0 },
});

/** What reads texts of models, workers and strangers. */
const READERS: Record<string, (text: string) => unknown> = {
  'the outcomes in an answer': outcomesOf,
  'an answer without its outcomes': withoutOutcomes,
  'a sentence for a comment': (text) => spoken(text),
  'the signature of a comment': signatureOf,
  'the title of a pull request': (text) => pullTitleOf({ title: text, result: resultOf(text) }),
  'the text of a pull request': (text) => pullBody(pullText(text), text),
  'the new text of a pull request': (text) => updatedBody(text, pullText(text)),
  'the issues in a prompt': (text) => issuesOf(text, 'https://a.b', { owner: 'ada', name: 'demo' }, true),
  'the prompt of a mention': (text) => promptFor({ request: text, login: 'ada', repository: 'a/b' }, threadOf(text)),
  'the message of a review': (text) =>
    reviewMessage({ login: 'bob', verdict: 'commented', body: text, url: 'https://a.b/1' }, [], 1),
  'a mention': (text) => findMention(text, ['errand']),
  'the branch that a request names': (text) => namedPlace(`work on branch ${text}`),
};

for (const [name, read] of Object.entries(READERS))
  test(`a long text takes little work: ${name}`, takesLittleWork, read);

test('the marks at the end of an outcome are left out, and nothing else of it', (t) => {
  const run = '` '.repeat(50_000);
  t.is(outcomesOf(`[1] fixed: a ${run}b \`\` `).get(1)?.text, `a ${run}b`);
});

test('a title is read from the beginning of a long line', (t) => {
  const { length } = pullTitleOf({ title: 'Fix it', result: resultOf(`# ${'x'.repeat(CHARS)}`) });
  t.is(length, 100);
});
