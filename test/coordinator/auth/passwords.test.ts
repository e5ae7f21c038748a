import test from 'ava';
import { Passwords, type Place } from '../../../coordinator/auth/passwords.ts';
import { ErrandError } from '../../../protocol/problem.ts';

const KNOWN: Place = { lane: 'known', whose: 'ada' };
const STRANGERS: Place = { lane: 'strangers', whose: '192.0.2.1' };

test('a password matches its own hash and no other', async (t) => {
  const passwords = new Passwords(4);
  const hash = await passwords.hash('a long enough one', KNOWN);
  for (const place of [KNOWN, STRANGERS]) {
    t.true(await passwords.matches('a long enough one', hash, place));
    t.false(await passwords.matches('another long one', hash, place));
    t.false(await passwords.matches('a long enough one', undefined, place));
  }
});

test('a password that bcrypt would truncate never matches', async (t) => {
  const passwords = new Passwords(4);
  const whole = 'x'.repeat(72);
  const hash = await passwords.hash(whole, KNOWN);
  t.true(await passwords.matches(whole, hash, KNOWN));
  t.false(await passwords.matches(`${whole}y`, hash, KNOWN));
  t.false(await passwords.matches(`${whole}\0`, hash, KNOWN));
});

test('in production a hash has a cost of 12', async (t) => {
  t.regex(await new Passwords().hash('a long enough one', KNOWN), /^\$2b\$12\$/);
});

test('a log-in takes as long for an unknown account as for a known one', async (t) => {
  const passwords = new Passwords(11);
  const hash = await passwords.hash('a long enough one', STRANGERS);
  const timed = async (stored: string | undefined): Promise<number> => {
    const started = performance.now();
    await passwords.matches('another long one', stored, STRANGERS);
    return performance.now() - started;
  };
  const known = await timed(hash);
  const unknown = await timed(undefined);
  // Without the same work it would be a hundredth.
  t.true(unknown > known / 4, `${unknown} ms against ${known} ms`);
});

test('past its limit, hashing is refused and not queued, and one lane never delays the other', async (t) => {
  const passwords = new Passwords(10);
  let hashed = 0;
  const flood = Array.from({ length: 100 }, async (_, n) => {
    await passwords.hash('a long enough one', { lane: 'strangers', whose: `192.0.2.${n % 10}` });
    hashed += 1;
  });
  t.true((await passwords.hash('a long enough one', KNOWN)).startsWith('$2b$10$'));
  t.true(hashed <= 3, `${hashed} strangers came before`);
  const results = await Promise.allSettled(flood);
  const refused = results.filter((result) => result.status === 'rejected');
  t.is(refused.length, 100 - 1 - 32);
  for (const { reason } of refused) {
    t.true(reason instanceof ErrandError && reason.code === 'unavailable');
  }
  t.truthy(await passwords.hash('a long enough one', STRANGERS), 'and it goes on afterwards');
});

test('an account or network with many waiting delays only itself, and may have only so many', async (t) => {
  for (const lane of ['known', 'strangers'] as const) {
    const passwords = new Passwords(6);
    const order: string[] = [];
    const hash = async (whose: string) => {
      await passwords.hash('a long enough one', { lane, whose });
      order.push(whose);
    };
    const flood = Array.from({ length: 100 }, () => hash('many'));
    await Promise.all([hash('one'), hash('two')]);
    // One was at work already, and one took the first turn.
    t.deepEqual(order, ['many', 'many', 'one', 'two']);
    const refused = (await Promise.allSettled(flood)).filter((result) => result.status === 'rejected');
    t.is(refused.length, 100 - 1 - 8);
  }
});

test('however many accounts hash at once, another known one is admitted', async (t) => {
  const passwords = new Passwords(4);
  const members = Array.from({ length: 100 }, (_, n) =>
    passwords.hash('a long enough one', { lane: 'known', whose: `member ${n % 50}` }),
  );
  t.truthy(await passwords.hash('a long enough one', { lane: 'known', whose: 'owner' }));
  await t.notThrowsAsync(Promise.all(members));
});
