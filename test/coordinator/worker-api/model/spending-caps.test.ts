import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { readPrices } from '../../../../coordinator/operations/price-table.ts';
import { EventLog } from '../../../../coordinator/sqlite/event-log.ts';
import { openTestDatabase } from '../../../support/test-database.ts';
import { forgetSpender } from '../../../../coordinator/sqlite/spending.ts';
import { Ledger } from '../../../../coordinator/worker-api/model/ledger.ts';
import type { Ask } from '../../../../coordinator/worker-api/model/reservation.ts';
import { SpendingCapReached, type SpendingCaps } from '../../../../coordinator/tasks/spending-caps.ts';
import { ErrandError } from '../../../../protocol/problem.ts';
import { addTask, addUser, startAttempt } from '../../../support/fixtures.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { Random } from '../../../support/random.ts';
import { SILENT } from '../../../support/silent.ts';

const MODEL = 'claude-sonnet-5-5';
const NOTHING = { input: 0, cache_write_5m: 0, cache_write_1h: 0, cache_read: 0, output: 0 };

type Payer = { task_id: string; user_id: string; attempt: number };

/** A server with these caps. `clock` may be moved. */
async function setUp(t: ExecutionContext, caps: SpendingCaps) {
  const db = openTestDatabase(join(await temporaryFolder(t), 'errand.db'));
  t.teardown(() => db.close());
  const log = new EventLog({ db, logger: SILENT });
  const clock = { now: Date.UTC(2026, 10, 28, 23, 0) };
  const ledger = new Ledger({ log, prices: readPrices(undefined), logger: SILENT, caps, now: () => clock.now });
  const random = new Random(4);
  const errand = (user_id: string): Payer => {
    const { id: task_id } = addTask(log, user_id, { budget_usd: 100, model: MODEL });
    startAttempt(log, task_id);
    return { task_id, user_id, attempt: 1 };
  };
  const ask = (): Ask => ({
    model: MODEL,
    max_tokens: random.whole(1, 64_000),
    input: { tokens_max: random.whole(1, 40_000), cache: '5m', compacts: random.next() < 0.2 },
  });
  /**
   * Asks for up to three requests at once, each of which costs the most it may. Returns a refusal, if there was one.
   */
  const askAtOnce = async (payers: [Payer, ...Payer[]]): Promise<unknown> => {
    const asking = Array.from({ length: random.whole(1, 3) }, () => {
      const payer = payers[random.whole(0, payers.length - 1)] ?? payers[0];
      return ledger.reserve(payer, ask());
    });
    const asked = await Promise.allSettled(asking);
    for (const result of asked) {
      const reservation = result.status === 'fulfilled' ? result.value : undefined;
      if (!reservation) continue;
      const { prompt, max_tokens, ask } = reservation;
      const passes = ask.input.compacts ? 2 : 1;
      const part = { ...NOTHING, cache_write_5m: prompt.cache_write_tokens / passes, output: max_tokens };
      const parts = Array.from({ length: passes }, () => part);
      ledger.settle(reservation, { kind: 'metered', model: MODEL, parts, edited: false });
    }
    return asked.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))[0];
  };
  /** Spends until a cap refuses. */
  const spend = async (payers: [Payer, ...Payer[]]): Promise<SpendingCapReached> => {
    for (;;) {
      const refusal = await askAtOnce(payers);
      if (refusal instanceof SpendingCapReached) return refusal;
      // The rest is reserved for the others of the same turn.
      if (refusal !== undefined && !(refusal instanceof ErrandError && refusal.code === 'rate_limited')) throw refusal;
    }
  };
  const spent = (user_id: string): number =>
    Number(db.prepare('SELECT total(cost_usd) FROM spending WHERE user_id = ?').pluck().get(user_id));
  return { db, log, clock, errand, spend, spent };
}

test("a person's errands never cost more than the cap of a month, and others may go on up to the server's", async (t) => {
  const { log, clock, errand, spend, spent } = await setUp(t, { person_month_usd: 1, server_month_usd: 1.5 });
  const [ada, bob] = [addUser(log), addUser(log)];
  const of_ada = await spend([errand(ada), errand(ada)]);
  t.regex(of_ada.message, /^Your errands may cost \$1 a month .* on 2026-12-01 \(UTC\)/);
  t.is(of_ada.retry_after_s, (2 * 24 + 1) * 3600);
  t.true(spent(ada) > 0.85 && spent(ada) <= 1 + 1e-9, `${spent(ada)}`);
  const of_bob = await spend([errand(bob)]);
  t.regex(of_bob.message, /^All errands of this server may cost \$1\.5 a month/);
  const total = spent(ada) + spent(bob);
  t.true(total > 1.35 && total <= 1.5 + 1e-9, `${total}`);
  clock.now += 3 * 24 * 3600_000;
  await spend([errand(ada)]);
  t.true(spent(ada) > 1.7 && spent(ada) <= 2 + 1e-9, 'a new month has a cap of its own');
});

test('what was spent stays when errands and accounts are removed', async (t) => {
  const { db, log, errand, spend, spent } = await setUp(t, { person_month_usd: 0.5, server_month_usd: 0.6 });
  const ada = addUser(log);
  await spend([errand(ada)]);
  db.prepare('DELETE FROM tasks').run();
  t.true(spent(ada) > 0.4);
  await spend([errand(ada)]);
  t.true(spent(ada) <= 0.5 + 1e-9);
  db.prepare('DELETE FROM tasks').run();
  const before = spent(ada);
  forgetSpender(db, ada);
  db.prepare('DELETE FROM users').run();
  t.is(spent(ada), 0);
  t.is(spent(''), before);
  const bob = addUser(log);
  await spend([errand(bob)]);
  t.true(before + spent(bob) <= 0.6 + 1e-9);
});
