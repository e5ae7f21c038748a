import test from 'ava';
import { Passwords } from '../../../coordinator/auth/passwords.ts';
import { ErrandError } from '../../../protocol/problem.ts';

test('a password matches its own hash and no other', async (t) => {
  const passwords = new Passwords(4);
  const hash = await passwords.hash('a long enough one');
  t.true(await passwords.matches('a long enough one', hash));
  t.false(await passwords.matches('another long one', hash));
  t.false(await passwords.matches('a long enough one', undefined));
});

test('a password that bcrypt would truncate never matches', async (t) => {
  const passwords = new Passwords(4);
  const whole = 'x'.repeat(72);
  const hash = await passwords.hash(whole);
  t.true(await passwords.matches(whole, hash));
  t.false(await passwords.matches(`${whole}y`, hash));
  t.false(await passwords.matches(`${whole}\0`, hash));
});

test('in production a hash has a cost of 12', async (t) => {
  t.regex(await new Passwords().hash('a long enough one'), /^\$2b\$12\$/);
});

test('a log-in takes as long for an unknown account as for a known one', async (t) => {
  const passwords = new Passwords(11);
  const hash = await passwords.hash('a long enough one');
  const timed = async (stored: string | undefined): Promise<number> => {
    const started = performance.now();
    await passwords.matches('another long one', stored);
    return performance.now() - started;
  };
  const known = await timed(hash);
  const unknown = await timed(undefined);
  // Without the same work it would be a hundredth.
  t.true(unknown > known / 4, `${unknown} ms against ${known} ms`);
});

test('past its limit, hashing is refused and not queued', async (t) => {
  const passwords = new Passwords(4);
  const results = await Promise.allSettled(Array.from({ length: 100 }, () => passwords.hash('a long enough one')));
  const refused = results.filter((result) => result.status === 'rejected');
  t.is(refused.length, 100 - 2 - 32);
  for (const { reason } of refused) {
    t.true(reason instanceof ErrandError && reason.code === 'unavailable');
  }
  t.truthy(await passwords.hash('a long enough one'), 'and it goes on afterwards');
});
