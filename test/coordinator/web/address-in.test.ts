import test from 'ava';
import { addressIn, hasCredential } from '../../../coordinator/web/app/new-errand/address-in.ts';

test('only what may be the address of a repository is offered as one', (t) => {
  for (const address of [
    'https://example.org/ann/shop.git',
    'http://127.0.0.1:3000/shop',
    'example.org/ann/shop',
    '127.0.0.1:3000/shop',
    'git@example.org:ann/shop.git',
    'ssh://git@example.org/ann/shop.git',
    'gh:ann/shop',
    'https://github.com/ann/shop/tree/main',
    'errand:sample',
  ])
    t.is(addressIn(` ${address} `), address);
  t.is(addressIn('git clone https://example.org/ann/shop'), 'https://example.org/ann/shop');
  for (const text of [
    '',
    'shop',
    'ann/shop',
    'https://',
    'https://example.org',
    'ftp://example.org/shop',
    'two words/x',
  ])
    t.is(addressIn(text), undefined, text);
});

test('an address with a password in it is not taken', (t) => {
  for (const text of ['https://ann:secret@example.org/shop', 'http://:secret@127.0.0.1:3000/shop']) {
    t.is(addressIn(text), undefined);
    t.true(hasCredential(text));
  }
  for (const text of [
    'https://ghp_0123456789abcdefghij@github.com/ann/shop',
    'github.com/ann/shop?access_token=0123',
    'https://github.com/ann/shop#private_token=0123',
    'ann:secret@example.org/ann/shop',
  ]) {
    t.is(addressIn(text), undefined);
    t.true(hasCredential(text), text);
  }
  for (const text of ['https://ann@example.org/shop', 'git@example.org:ann/shop', 'http://127.0.0.1:3000/shop'])
    t.false(hasCredential(text), text);
});
