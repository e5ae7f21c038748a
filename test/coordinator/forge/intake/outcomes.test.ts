import test from 'ava';
import { outcomesOf } from '../../../../coordinator/forge/intake/outcomes.ts';
import { withoutOutcomes } from '../../../../protocol/closing-text.ts';

const LINES: [line: string, fixed: boolean | undefined, text?: string][] = [
  ['[7] fixed: the check', true, 'the check'],
  ['- [7] fixed: the check', true, 'the check'],
  ['**[7] Fixed:** the check', true, 'the check'],
  ['`[7] fixed: the check`', true, 'the check'],
  ['[7] — done. The check', true, 'The check'],
  ['[7]: not changed – it is right', false, 'it is right'],
  ['[7] unchanged', false, ''],
  ['[7] not fixed: too large', false, 'too large'],
  ['[7] I looked at it', undefined],
  ['see [7] fixed: no', undefined],
  ['[x] fixed: no', undefined],
];
for (const [line, fixed, text] of LINES)
  test(`an outcome is read: ${line}`, (t) => {
    const outcome = outcomesOf(`Before.\n${line}\nAfter.`).get(7);
    t.is(outcome?.fixed, fixed);
    t.is(outcome?.text, text);
    t.is(withoutOutcomes(`Before.\n${line}\nAfter.`).includes(line), fixed === undefined);
  });
