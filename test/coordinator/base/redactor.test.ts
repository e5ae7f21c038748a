import test from 'ava';
import { Redactor } from '../../../coordinator/base/redactor.ts';
import { isRedactionOf } from '../../../protocol/secrets/redaction-of.ts';
import { Random } from '../../support/random.ts';

const VALUE = 'pa$$w0rd/+ü ☃"\\ of%20mine?';
const TOKEN = 'ghp_0123456789abcdefghijABCDEFGHIJ456789';
const KEY = `-----BEGIN KEY-----\n${'q8Zr/Lw+X2uV7n0T'.repeat(4)}\n${'b3Gf+Ks/Y1mD6p9C'.repeat(4)}\n-----END KEY-----\n`;

const redactorOf = (...values: string[]): Redactor => {
  const redactor = Redactor.of(values.map((value, i) => ({ name: `S${i}`, value })));
  if (!redactor) throw new Error('No value is redactable.');
  return redactor;
};
const redact = (text: string, ...values: string[]) => redactorOf(...values).redact(text);
const base64 = (text: string) => Buffer.from(text).toString('base64');
const lines = (text: string, length: number) => text.match(new RegExp(`.{1,${length}}`, 'g'))?.join('\n') ?? '';

const FORMS: [form: string, write: (value: string) => string][] = [
  ['as it is', (value) => value],
  ['in JSON', (value) => JSON.stringify({ value })],
  ['in JSON that is a text in JSON', (value) => JSON.stringify([JSON.stringify({ value })])],
  ['in JSON of PHP', (value) => JSON.stringify(value).replaceAll('/', '\\/')],
  [
    'in JSON of Python, in ASCII',
    (value) =>
      JSON.stringify(value).replaceAll(/[^\0-\x7f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
  ],
  ['as a part of a URL', encodeURIComponent],
  [
    'as a part of a URL, in lower case',
    (value) => encodeURIComponent(value).replaceAll(/%../g, (c) => c.toLowerCase()),
  ],
  ['in a form', (value) => new URLSearchParams({ value }).toString()],
  ['in the path of a URL', (value) => encodeURIComponent(value).replaceAll('%2F', '/')],
  ['in base64', base64],
  ['in base64 after one byte', (value) => base64(`a${value}`)],
  ['in base64 after two bytes', (value) => base64(`ab${value}`)],
  ['in base64 between others', (value) => base64(`user:${value}@and more`)],
  ['in base64 for URLs', (value) => Buffer.from(`u${value}`).toString('base64url')],
];

for (const [form, write] of FORMS)
  for (const value of [VALUE, TOKEN])
    test(`redacts ${value.slice(0, 4)}… ${form}`, (t) => {
      const redacted = redact(`before ${write(value)} after`, value);
      t.regex(redacted, /^before .*\[secret S0\].* after$/s);
      // What base64 leaves are the bits that its neighbours share.
      t.true(redacted.length < 'before  after'.length + '[secret S0]'.length + 40, redacted);
    });

test('redacts base64 that is broken into lines, but for a few characters beside the breaks', (t) => {
  for (const length of [64, 76])
    for (const before of ['', 'a', 'ab', 'x'.repeat(40)]) {
      const value = TOKEN.repeat(3).replace('ghp', 'xyz');
      const redacted = redact(lines(base64(before + value), length), value);
      const left = redacted.split('[secret S0]').filter((part) => part.length > 36 + before.length * 1.4);
      t.deepEqual(left, []);
    }
});

test('redacts a key of several lines in a diff, where each line has a sign before it', (t) => {
  const diff = KEY.split('\n').map((line) => `+${line}`);
  t.is(
    redact(diff.join('\n'), KEY),
    ['+-----BEGIN KEY-----', '+[secret S0]', '+[secret S0]', '+-----END KEY-----', '+'].join('\n'),
  );
  t.is(redact(KEY, KEY), '[secret S0]');
});

test('leaves values that are short, common or plain', (t) => {
  for (const value of ['', 'short', 'production', 'localhost', 'aaaaaaaaaaaa', '10101010', 'Password'])
    t.is(Redactor.of([{ name: 'A', value }]), undefined);
  t.is(redact('production abcdefgh', 'production', 'abcdefgh'), 'production [secret S1]');
});

test('of two secrets where one begins like the other, the longer one is redacted', (t) => {
  t.is(redact('abcdefghij abcdefgh', 'abcdefgh', 'abcdefghij'), '[secret S1] [secret S0]');
});

test('secrets that overlap leave nothing between them', (t) => {
  t.is(redact('xx abcdefghijklmnop xx', 'abcdefghijkl', 'ghijklmnop'), 'xx [secret S0] xx');
});

test('a JSON value is redacted as JSON, and is the same value if it has no secret', (t) => {
  const random = new Random(5);
  for (let n = 0; n < 2_000; n++) {
    const value = randomText(random, random.whole(8, 40));
    const redactor = Redactor.of([{ name: 'A', value }]);
    if (!redactor) continue;
    const text =
      randomText(random, 20) + random.pick([value, base64(value), '', value.slice(1)]) + randomText(random, 20);
    const json = { [random.pick(['key', text])]: [text, { n: 12345678, deep: [text] }], same: true };
    const redacted = redactor.redactValue(json);
    t.is(redactor.redact(text) !== text, redacted !== json);
    t.is(redactor.redactValue(redacted), redacted);
    t.deepEqual(JSON.parse(JSON.stringify(redacted)), redacted);
    t.true(redactor.redact(text, true).length <= text.length);
    t.true(isRedactionOf(redactor.redact(text), text));
    t.true(isRedactionOf(JSON.stringify(redacted), JSON.stringify(json)));
  }
});

test('a number, a structure or an escape that looks like a secret is left', (t) => {
  for (const [value, json] of [
    ['12345678', { n: 12345678 }],
    ['n0abcdefg', ['\n0abcdefg']],
    [':[{"other":', { a: [{ other: 1 }] }],
    ['u2028abcd', ['\\u2028abc']],
  ] as const)
    t.is(redactorOf(value).redactValue(json), json);
});

test('a stream is redacted wherever it is cut, and nothing else of it is lost or changed', (t) => {
  const random = new Random(7);
  const redactor = redactorOf(TOKEN, VALUE, 'abcdefgha', 'ghabcdefxyz');
  for (let n = 0; n < 2_000; n++) {
    const pieces = Array.from({ length: 6 }, () =>
      random.pick([
        TOKEN,
        VALUE,
        'abcdefgha',
        'ghabcdefxyz',
        'gh',
        'text ',
        'abcdefgh',
        TOKEN.slice(0, 9),
        base64(`a${VALUE}`),
      ]),
    );
    const text = pieces.join(random.pick(['', ' ']));
    let [out, held] = ['', ''];
    for (let at = 0; at < text.length;) {
      const length = random.pick([1, 2, 7, 30]);
      const part = redactor.redactPart(held + text.slice(at, at + length));
      [out, held] = [out + part.redacted, part.held];
      at += length;
    }
    t.is(redactor.redact(out), out, text);
    t.is(
      redactor.redact(out + held).replaceAll(/\[secret S\d\]/g, ''),
      redactor.redact(text).replaceAll(/\[secret S\d\]/g, ''),
      text,
    );
  }
});

test('the values of all secrets are redacted, and of their forms as many as have room', (t) => {
  const random = new Random(3);
  const values = Array.from({ length: 100 }, () => Array.from({ length: 40 }, () => randomText(random, 60)).join('\n'));
  const redactor = redactorOf(...values);
  t.true(redactor.nodes <= 1_000_001);
  for (const [i, value] of values.entries()) t.is(redactor.redact(`a ${value} b`), `a [secret S${i}] b`);
  t.is(redactor.redact(encodeURIComponent(values[0] ?? '')), '[secret S0]');
});

function randomText(random: Random, length: number): string {
  return Array.from({ length }, () => random.pick(Array.from('abcdefghijkl0123456789+/="\\\n ü☃🙂%'))).join('');
}
