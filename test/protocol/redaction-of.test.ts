import test from 'ava';
import { isRedactionOf } from '../../protocol/secrets/redaction-of.ts';

test('another text is no redaction of a text', (t) => {
  for (const [redacted, text] of [
    ['a [secret A] b', 'a x c'],
    ['a [secret A] b', 'c x b'],
    ['a [secret A] b [secret A] c', 'a x c'],
    ['[secret A]ab', 'b'],
    ['abc', 'abcd'],
    ['ab[secret A]ba', 'aba'],
  ] as const)
    t.false(isRedactionOf(redacted, text), redacted);
});

test('a text is the redaction of another in time in proportion to both, whatever they repeat', (t) => {
  const half = 'a'.repeat(100_000);
  t.true(isRedactionOf(`x[secret A]${half}b${half}[secret A]`, `xyz${half}a${half}b${half}yz`));
  t.false(isRedactionOf(`x[secret A]${half}b${half}[secret A]`, `xyz${half}${half}${half}${half}${half}`));
});
