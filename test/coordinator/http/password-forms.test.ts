import test from 'ava';
import { Passwords } from '../../../coordinator/auth/passwords.ts';
import { Api } from '../../support/api.ts';
import { startApi } from '../../support/start-api.ts';

const FORMS = ['NFC', 'NFD', 'NFKC', 'NFKD'] as const;
/** Accents, Hangul, kana with marks, a ligature, full-width digits, a sign with two code points, marks out of order. */
const TEXTS = [
  'Crème brûlée',
  'Ångström, größer',
  '비밀번호 입니다 한',
  'パスワードがぎぐげご',
  'oﬃce １２３４５６',
  'Å and Ω signs',
  'q\u0307\u0323 dots below',
];

const formsOf = (text: string): string[] => [text, ...FORMS.map((form) => text.normalize(form))];

test('a password is the same in every normal form, at sign-up, log-in, change and removal', async (t) => {
  const server = await startApi(t, { ERRAND_TRUST_PROXY: 'true' });
  const api = new Api(server.url);
  await server.person('owner@example.org');
  for (const [index, text] of TEXTS.entries()) {
    for (const [at, typed] of formsOf(text).entries()) {
      const email = `p${index}-${at}@example.org`;
      const headers = { 'x-forwarded-for': `10.1.${index}.${at}` };
      const logIn = (password: string) => ({ body: { email, password }, headers });
      const { access_token } = await api.call('signup', logIn(typed));
      for (const password of formsOf(text)) t.truthy(await api.call('login', logIn(password)));
      t.is((await api.refused('login', logIn(`${typed}!`))).code, 'wrong_credentials');
      const own = new Api(server.url, access_token);
      const [old_password, new_password] = [text.normalize('NFD'), `${text.normalize('NFKD')} new`];
      await own.call('changePassword', { body: { old_password, new_password } });
      for (const form of formsOf(`${text} new`)) t.truthy(await api.call('login', logIn(form)));
      await own.call('deleteMe', { body: { password: `${text.normalize('NFD')} new` } });
    }
  }
});

test('an account whose password was hashed as it was sent can log in with it in any form', async (t) => {
  const passwords = new Passwords(4);
  for (const text of TEXTS)
    // Of an account made before, each keyboard's own form; and one that is in no normal form, as it was typed.
    for (const [stored, ...others] of [
      [text],
      [text.normalize('NFC'), text.normalize('NFD')],
      [text.normalize('NFD'), text.normalize('NFC')],
    ]) {
      const hash = await passwords.hash(stored ?? '', { lane: 'known', whose: 'ada' });
      for (const typed of [stored ?? '', ...others])
        t.true(await passwords.matches(typed, hash, { lane: 'known', whose: 'ada' }), `${typed} for ${stored}`);
      t.false(await passwords.matches(`${stored}!`, hash, { lane: 'known', whose: 'ada' }));
    }
});

test('the length of a password is that of the form that is hashed', async (t) => {
  const server = await startApi(t);
  const api = new Api(server.url);
  const sign = (email: string, password: string) => api.refused('signup', { body: { email, password } });
  // Five letters with accents are ten code units when they are decomposed.
  for (const password of ['éèêëē', 'éèêëē'.normalize('NFD')])
    t.regex((await sign('a@example.org', password)).errors?.[0]?.message ?? '', /at least 10 characters/);
  // 36 letters of 2 bytes fit, though they are 108 bytes when they are decomposed.
  const longest = 'é'.repeat(36);
  const { user } = await api.call('signup', {
    body: { email: 'b@example.org', password: longest.normalize('NFD'), setup_code: server.setup_code },
  });
  t.truthy(await api.call('login', { body: { email: user.email, password: longest } }));
  for (const password of [`${longest}x`, 'ﷺ'.repeat(10), 'x'.repeat(300)])
    t.regex((await sign('c@example.org', password)).errors?.[0]?.message ?? '', /at most 72 bytes/);
});
