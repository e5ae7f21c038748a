import test from 'ava';
import { temporaryFolder } from '../../support/folder.ts';
import { setupCode } from '../../../coordinator/auth/setup-code.ts';
import { readKeys } from '../../../coordinator/base/keys.ts';
import { parsePastedLink } from '../../../coordinator/web/app/access/parse-link.ts';

const CODE = 'AbCdEf-0123456789_AbCdEf01234567';

test('a pasted link is found whatever white space it has, of each kind, as is the code of a log-in link', (t) => {
  for (const kind of ['setup', 'invite', 'login'] as const)
    for (const link of [
      `https://errand.example.org/#${kind}=${CODE}`,
      `https://errand.example.org/below/?q=1#${kind}=${CODE}`,
      ` \n https://errand.example.org/\n#${kind}=${CODE.slice(0, 9)}\r\n  ${CODE.slice(9)}\u00a0 `,
      `#${kind}=${CODE}`,
    ])
      t.deepEqual(parsePastedLink(link), { kind, code: CODE }, link);
  t.deepEqual(parsePastedLink(` ${CODE}\n`), { kind: 'login', code: CODE });
});

test('the code of the link for the first account is told from the others', async (t) => {
  const code = setupCode(readKeys(await temporaryFolder(t)), 'instance');
  t.deepEqual(parsePastedLink(code), { kind: 'setup', code });
  for (const mistyped of [code.slice(1), `${code}0`, code.replace(/./, 'o'), code.toUpperCase()])
    t.deepEqual(parsePastedLink(mistyped), { kind: 'setup', code: mistyped });
  for (const cut of [CODE.slice(0, 20), CODE.slice(0, 24), CODE.slice(8)])
    t.deepEqual(parsePastedLink(cut), { kind: 'login', code: cut });
});

test('what is no link and no code is not sent to the server', (t) => {
  for (const text of [
    '',
    ' ',
    'hello',
    'https://errand.example.org/',
    `https://errand.example.org/#other=${CODE}`,
    'https://errand.example.org/#login=',
    `#login=${'a'.repeat(101)}`,
    'a'.repeat(101),
    `#login=${CODE}%00`,
    '%'.repeat(50),
  ])
    t.is(parsePastedLink(text), undefined, text);
  t.is(parsePastedLink('a'.repeat(100))?.code.length, 100);
});
