import test from 'ava';
import { Secrets } from '../../../agent-container/base/secrets.ts';

test('the longer of two secrets is redacted first, and short values are left alone', (t) => {
  const secrets = new Secrets({ A: 'abcdef', B: 'abcdefgh', C: 'on' });
  t.is(secrets.redact('abcdefgh abcdef on'), '[secret B] [secret A] on');
});
