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

const ENV_FILE = [
  'NODE_ENV=production',
  'DB_HOST=db.internal',
  'DB_PASS=hunter2!',
  'DB_PHRASE=correct-horse-battery-staple',
  'API_KEY=k3yA1b2C3d4E5f6G7h8',
  'PIN=48151623',
].join('\n');

test('a secret with several lines is masked whole wherever the text is cut', (t) => {
  const secrets = secretly({ ENV_FILE });
  const text = `before ${ENV_FILE} after`;
  for (let first = 0; first <= text.length; first++)
    for (let second = first; second <= text.length; second++) {
      const one = secrets.redactBeginning(text.slice(0, first));
      const two = secrets.redactBeginning(one.open + text.slice(first, second));
      const all = one.clean + two.clean + secrets.redact(two.open + text.slice(second));
      if (all !== 'before [secret ENV_FILE]\n\n\n\n\n after') t.fail(`cut at ${first} and ${second}: ${all}`);
    }
  t.pass();
});

test('a line of a secret that stands alone is masked; a plain setting in it is not', (t) => {
  const secrets = secretly({ ENV_FILE });
  t.is(secrets.redact('a.env:4:API_KEY=k3yA1b2C3d4E5f6G7h8'), 'a.env:4:[secret ENV_FILE]');
  t.is(secrets.redact('DB_PHRASE=correct-horse-battery-staple'), '[secret ENV_FILE]');
  t.is(secrets.redact('    - NODE_ENV=production'), '    - NODE_ENV=production');
});
