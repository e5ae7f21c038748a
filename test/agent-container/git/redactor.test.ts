import test from 'ava';
import { redactor } from '../../../agent-container/git/redactor.ts';

const BEGINNING = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC';
const REST = 'MzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDuictGeurT8jNbvJZHtCSuYEvu';
const HEADER = '-----BEGIN RSA PRIVATE KEY-----';
const redact = redactor([{ what: 'a private key', value: BEGINNING }]);
const redactWithHeader = redactor([{ what: 'a private key', value: '' }]);

for (const line of [
  `+  '${REST}'`,
  `+  "${REST}\\n" +`,
  `+  . "${REST}==\\r\\n",`,
  `+  + "${REST}");`,
  `+  ("${REST}"`,
  `+${REST}`,
  `+${REST}\\n\\`,
  `+  Qk1=";`,
  `+  "Qk1h=" & _`,
])
  test(`a key without its header goes on in: ${line}`, (t) => {
    t.is(redact(`+key = "${BEGINNING}" +\n${line}\n+more()`), '+key = "[private key]\n+[private key]\n+more()');
  });

test('a key with its header is masked up to its end; one without an end, up to the next file', (t) => {
  const key = `${HEADER}\n+${REST}\n`;
  t.is(redactWithHeader(`+${key}+-----END RSA PRIVATE KEY-----\n+more()`), '+[private key]\n+more()');
  const next = 'diff --git a/b.ts b/b.ts\n+more()';
  t.is(redactWithHeader(`+${key}${next}\n+${key}`), `+[private key]\n${next}\n+[private key]`);
});

test('a text of a megabyte takes time in proportion to its length, whatever its characters are', (t) => {
  // Were it in proportion to the square, this would take hours.
  for (const char of [' ', '\t', '+', '/', 'a', '=', '"', '\\', '\\n', '.', ',', '_', '-----'])
    for (const before of ['+', '+"', '+"abcd', `+${REST}`, '+"abcd=="', `+"${REST}\\`])
      t.is(redact(`+"${BEGINNING}"\n${before}${char.repeat(1 << 20)}!`).split('\n').length, 2, `${before}${char}`);
  for (const part of ['PRIVATE KEY', 'A', 'A ', ' '])
    for (const before of ['-----BEGIN ', '-----BEGIN PRIVATE KEY'])
      t.is(redactWithHeader(before + part.repeat(1 << 16)).length, before.length + part.length * (1 << 16));
  t.is(redactWithHeader('-----BEGIN PRIVATE KEY-- '.repeat(1 << 15)).length, 25 * (1 << 15));
});
