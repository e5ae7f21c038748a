import test from 'ava';
import { readAnswer } from '../../../coordinator/cli/answer-command.ts';
import type { Need, NeedAnswerCreate } from '../../../protocol/needs.ts';

const need: Need = {
  id: '01m8h7ahdb4jca6tf6sv',
  kind: 'question',
  question: 'Which?',
  options: [
    { value: '1', label: 'SQLite' },
    { value: '2', label: 'PostgreSQL' },
  ],
  multiple: false,
  takes_text: true,
  asked_at: '2026-01-02T03:04:05.678Z',
  closed_at: null,
  answer: null,
};
const named = { ...need, options: ['approve', 'send_back'].map((value) => ({ value, label: value })) };

test('a number or a name of an option chooses it, anything else is words', (t) => {
  const cases: [Need, string | undefined, string | undefined, NeedAnswerCreate][] = [
    [need, '2', undefined, { choose: ['2'] }],
    [need, ' 1 ', 'but fast', { choose: ['1'], text: 'but fast' }],
    [need, undefined, '3', { choose: [], text: '3' }],
    [need, '3 of them', undefined, { choose: [], text: '3 of them' }],
    [need, 'SQLite', undefined, { choose: [], text: 'SQLite' }],
    [{ ...need, multiple: true }, '1, 2', undefined, { choose: ['1', '2'] }],
    [{ ...need, multiple: true }, '1, two', undefined, { choose: [], text: '1, two' }],
    [{ ...need, options: [] }, '1', undefined, { choose: [], text: '1' }],
    [named, 'approve', undefined, { choose: ['approve'] }],
    [named, '2', 'Rename it.', { choose: ['send_back'], text: 'Rename it.' }],
    [need, 'Neither', 'at all', { choose: [], text: 'Neither\n\nat all' }],
  ];
  for (const [asked, said, text, body] of cases) t.deepEqual(readAnswer(asked, said, text), body, said);
});

test('numbers that choose nothing are refused where there are options, and never sent as words', (t) => {
  const cases: [Need, string, RegExp][] = [
    [need, '3', /^There is no option 3: give a number from 1 to 2\. .*"3".* --text\.$/],
    [need, '0', /^There is no option 0:/],
    [need, '1,2', /^Only one option can be chosen\./],
    [{ ...need, multiple: true }, '1, 9', /^There is no option 9:/],
    [named, '9', /^There is no option 9:/],
  ];
  for (const [asked, said, message] of cases) t.throws(() => readAnswer(asked, said, undefined), { message }, said);
  t.throws(() => readAnswer(need, undefined, undefined), { message: /^ANSWER is missing/ });
});
