import test from 'ava';
import { Passwords } from '../../../coordinator/auth/passwords.ts';
import { ErrandError } from '../../../protocol/problem.ts';

test('a password matches its own hash and no other', async (t) => {
  const passwords = new Passwords(4);
  const hash = await passwords.hash('a long enough one', 'known');
  for (const lane of ['known', 'strangers'] as const) {
    t.true(await passwords.matches('a long enough one', hash, lane));
    t.false(await passwords.matches('another long one', hash, lane));
    t.false(await passwords.matches('a long enough one', undefined, lane));
  }
});

test('a password that bcrypt would truncate never matches', async (t) => {
  const passwords = new Passwords(4);
  const whole = 'x'.repeat(72);
  const hash = await passwords.hash(whole, 'known');
  t.true(await passwords.matches(whole, hash, 'known'));
  t.false(await passwords.matches(`${whole}y`, hash, 'known'));
  t.false(await passwords.matches(`${whole}\0`, hash, 'known'));
});

test('in production a hash has a cost of 12', async (t) => {
  t.regex(await new Passwords().hash('a long enough one', 'known'), /^\$2b\$12\$/);
});

test('a log-in takes as long for an unknown account as for a known one', async (t) => {
  const passwords = new Passwords(11);
  const hash = await passwords.hash('a long enough one', 'strangers');
  const timed = async (stored: string | undefined): Promise<number> => {
    const started = performance.now();
    await passwords.matches('another long one', stored, 'strangers');
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
  const flood = Array.from({ length: 100 }, async () => {
    await passwords.hash('a long enough one', 'strangers');
    hashed += 1;
  });
  t.true((await passwords.hash('a long enough one', 'known')).startsWith('$2b$10$'));
  t.true(hashed <= 3, `${hashed} strangers came before`);
  const results = await Promise.allSettled(flood);
  const refused = results.filter((result) => result.status === 'rejected');
  t.is(refused.length, 100 - 1 - 32);
  for (const { reason } of refused) {
    t.true(reason instanceof ErrandError && reason.code === 'unavailable');
  }
  t.truthy(await passwords.hash('a long enough one', 'strangers'), 'and it goes on afterwards');
});
