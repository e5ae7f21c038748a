import test from 'ava';
import { Secrets } from '../../../agent-container/base/secrets.ts';

const secretly = (env: Record<string, string>) => new Secrets({ env });

test('the longer of two secrets is redacted first', (t) => {
  const secrets = secretly({ A: 'abcdefgh', B: 'abcdefghij' });
  t.is(secrets.redact('abcdefghij abcdefgh'), '[secret B] [secret A]');
});

test('only variables that are declared secret are redacted; without a declaration all are', (t) => {
  const env = { MODE: 'a-mode-of-mine', NPM_TOKEN: 'tok-5b1f0d2c9e' };
  const text = 'a-mode-of-mine tok-5b1f0d2c9e';
  t.is(new Secrets({ env, secrets: ['NPM_TOKEN'] }).redact(text), 'a-mode-of-mine [secret NPM_TOKEN]');
  t.is(new Secrets({ env, secrets: [] }).redact(text), text);
  t.is(new Secrets({ env }).redact(text), '[secret MODE] [secret NPM_TOKEN]');
});

for (const value of [
  '',
  'on',
  'true',
  'secret7',
  'production',
  'Development',
  'localhost',
  'password',
  '11111111',
  'aaaaaaaaaaaa',
  '        ',
  'example.com',
])
  test(`the short or common value '${value}' is not redacted`, (t) => {
    const text = `mode: '${value}' and ${value}`;
    t.is(secretly({ NODE_ENV: value }).redact(text), text);
  });

test('a mask is found by its name', (t) => {
  const secrets = secretly({ NPM_TOKEN: 'tok-5b1f0d2c9e' });
  t.is(secrets.findMask('x [secret NPM_TOKEN] y'), 'NPM_TOKEN');
  t.is(secrets.findMask('x [secret OTHER] y'), undefined);
});
