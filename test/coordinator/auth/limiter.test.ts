import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { networkOf } from '../../../coordinator/base/network-of.ts';
import { noteAddress } from '../../../coordinator/auth/known-addresses.ts';
import { Limiter } from '../../../coordinator/auth/limiter.ts';
import { EventLog } from '../../../coordinator/sqlite/event-log.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { insertUser } from '../../../coordinator/sqlite/users.ts';
import { newId } from '../../../protocol/ids.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { SILENT } from '../../support/silent.ts';

async function setUp(t: ExecutionContext) {
  const db = openTestDatabase(join(await temporaryFolder(t), 'errand.db'));
  t.teardown(() => db.close());
  const user_id = newId();
  const created_at = new Date().toISOString();
  insertUser(db, { id: user_id, email: 'ada@example.org', password_hash: '', role: 'owner', created_at });
  const clock = { ms: Date.now() };
  const limiter = new Limiter(new EventLog({ db, logger: SILENT }), () => clock.ms);
  /** The seconds to wait; 0: it was let in (and failed, as far as the limiter knows). */
  const wait_s = (address: string, email = 'ada@example.org', id: string | undefined = user_id): number => {
    try {
      limiter.login({ email, user_id: id, address });
      return 0;
    } catch (error) {
      if (!(error instanceof ErrandError && error.code === 'rate_limited')) throw error;
      return error.retry_after_s ?? 0;
    }
  };
  return { db, user_id, clock, limiter, wait_s };
}

test('failures for one account make it wait longer and longer, up to a minute', async (t) => {
  const { clock, wait_s } = await setUp(t);
  let host = 0;
  const attempt = () => wait_s(`10.0.${Math.floor(host / 200)}.${host++ % 200}`);
  for (let n = 0; n < 5; n++) t.is(attempt(), 0);
  const waits: number[] = [];
  for (let n = 0; n < 9; n++) {
    const wait = attempt();
    waits.push(wait);
    clock.ms += wait * 1000;
    t.is(attempt(), 0);
  }
  t.deepEqual(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
});

test('a clock that is set back by hours blocks nobody for hours', async (t) => {
  const { clock, wait_s } = await setUp(t);
  for (let n = 0; n < 5; n++) wait_s(`10.0.0.${n}`);
  t.is(wait_s('10.0.0.9'), 1);
  clock.ms -= 2 * 3600_000;
  t.is(wait_s('10.0.0.9'), 0);
});

test('failures from one address make it wait, whatever the account', async (t) => {
  const { clock, wait_s } = await setUp(t);
  for (let n = 0; n < 20; n++) t.is(wait_s('10.0.0.1', `nobody${n}@example.org`, undefined), 0);
  t.is(wait_s('10.0.0.1', 'other@example.org', undefined), 1);
  t.is(wait_s('10.0.0.2', 'other@example.org', undefined), 0);
  clock.ms += 25 * 3600_000;
  t.is(wait_s('10.0.0.1', 'other@example.org', undefined), 0, 'it is forgotten after a day');
});

test('an attempt counts until it is known to have succeeded, so that many at once gain nothing', async (t) => {
  const { wait_s } = await setUp(t);
  const results = Array.from({ length: 50 }, (_, n) => wait_s(`10.0.1.${n}`));
  t.is(results.filter((wait) => wait === 0).length, 5);
});

test('an owner is not locked out at an address that the account was used from before, nor while logged in', async (t) => {
  const { db, limiter, user_id, clock, wait_s } = await setUp(t);
  noteAddress(db, user_id, '192.0.2.1', new Date(clock.ms).toISOString());
  for (let n = 0; n < 300; n++) {
    clock.ms += 1000;
    wait_s(`10.0.${Math.floor(n / 200)}.${n % 200}`);
  }
  t.true(wait_s('10.9.9.9') > 0, 'elsewhere the account is held up');
  t.is(wait_s('192.0.2.1'), 0);
  const attempt = { email: 'ada@example.org', user_id, address: '10.9.9.9' };
  t.is(limiter.login({ ...attempt, logged_in: true }).place.lane, 'known');
  t.is(limiter.login({ ...attempt, address: '192.0.2.1' }).place.lane, 'known');
  clock.ms += 3600_000;
  t.is(limiter.login(attempt).place.lane, 'strangers');
});

test('a success clears what failed for the account, not what failed from the address', async (t) => {
  const { limiter, user_id, wait_s } = await setUp(t);
  for (let n = 0; n < 19; n++) wait_s('10.0.0.1', `nobody${n}@example.org`, undefined);
  limiter.login({ email: 'ada@example.org', user_id, address: '10.0.0.1' }).succeeded();
  t.is(wait_s('10.0.0.1', 'nobody@example.org', undefined), 0);
  t.true(wait_s('10.0.0.1', 'other@example.org', undefined) > 0);
});

test('a success gives the account its free failures back, elsewhere too', async (t) => {
  const { limiter, user_id, wait_s } = await setUp(t);
  for (let n = 0; n < 4; n++) t.is(wait_s(`10.0.0.${n}`), 0);
  limiter.login({ email: 'ada@example.org', user_id, address: '192.0.2.1' }).succeeded();
  for (let n = 0; n < 5; n++) t.is(wait_s(`10.0.1.${n}`), 0);
  t.is(wait_s('10.0.2.1'), 1);
});

test('who is logged in has the same few guesses at every address together', async (t) => {
  const { limiter, user_id } = await setUp(t);
  const guess = (n: number) =>
    limiter.login({ email: 'ada@example.org', user_id, address: `10.0.0.${n}`, logged_in: true });
  for (let n = 0; n < 5; n++) guess(n);
  t.throws(() => guess(6), { instanceOf: ErrandError, code: 'rate_limited' });
});

test('sign-ups are limited by address', async (t) => {
  const { limiter } = await setUp(t);
  for (let n = 0; n < 5; n++) limiter.signup('10.0.0.1');
  t.throws(() => limiter.signup('10.0.0.1'), { instanceOf: ErrandError, code: 'rate_limited' });
  t.notThrows(() => limiter.signup('10.0.0.2'));
});

test('stored failures and known addresses are limited in number', async (t) => {
  const { db, wait_s } = await setUp(t);
  db.prepare(
    `INSERT INTO login_failures (key, failures, blocked_until, last_at)
     WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
     SELECT 'account:' || i, 1, :at, :at FROM n`,
  ).run({ at: new Date(Date.now() - 1000).toISOString() });
  wait_s('10.0.0.1');
  t.true(Number(db.prepare('SELECT count(*) FROM login_failures').pluck().get()) <= 10_002);
});

test('IPv6 addresses are limited by their /64, IPv4 addresses each', (t) => {
  t.is(networkOf('192.0.2.7'), '192.0.2.7');
  t.is(networkOf('::ffff:192.0.2.7'), '192.0.2.7');
  t.is(networkOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64');
  t.is(networkOf('2001:DB8:1:2::9'), '2001:db8:1:2::/64');
  t.is(networkOf('2001:db8::1'), '2001:db8:0:0::/64');
  t.is(networkOf('fe80::1%eth0'), 'fe80:0:0:0::/64');
  t.is(networkOf('::1'), '0:0:0:0::/64');
  t.is(networkOf('::ffff:c000:207'), '192.0.2.7');
  t.is(networkOf('192.0.2.7:51234'), '192.0.2.7', 'a proxy may report the port too, which says nothing');
  t.is(networkOf('[2001:db8:1:2::9]:51234'), '2001:db8:1:2::/64');
  t.is(networkOf('[2001:db8:1:2::9]'), '2001:db8:1:2::/64');
});
