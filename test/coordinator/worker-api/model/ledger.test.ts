import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { pino } from 'pino';
import { BudgetSpent } from '../../../../coordinator/worker-api/model/error.ts';
import { Ledger } from '../../../../coordinator/worker-api/model/ledger.ts';
import type { Ask } from '../../../../coordinator/worker-api/model/reservation.ts';
import { EventLog } from '../../../../coordinator/sqlite/event-log.ts';
import { demoPrices } from '../../../../coordinator/domain/prices.ts';
import { readPrices } from '../../../../coordinator/operations/price-table.ts';
import { openTestDatabase } from '../../../support/test-database.ts';
import type { EventRow } from '../../../../coordinator/sqlite/events.ts';
import { listOpenRequests } from '../../../../coordinator/sqlite/open-requests.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { addTask, addUser, startAttempt, taskOf } from '../../../support/fixtures.ts';
import { SILENT } from '../../../support/silent.ts';

const MODEL = 'claude-sonnet-5-5';
const REQUEST: Ask = {
  model: MODEL,
  max_tokens: 20_000,
  input: { tokens_max: 4_000, cache: '5m', compacts: false },
};
const NOTHING = { input: 0, cache_write_5m: 0, cache_write_1h: 0, cache_read: 0, output: 0 };

/** One task and its database. Each `start` makes the ledger of another server process. */
async function setUp(t: ExecutionContext, budget_usd = 5) {
  const db = openTestDatabase(join(await temporaryFolder(t), 'errand.db'));
  t.teardown(() => db.close());
  const rows: EventRow[] = [];
  const log = new EventLog({ db, logger: SILENT });
  log.subscribeToAll((added) => rows.push(...added));
  const user_id = addUser(log);
  const { id: task_id } = addTask(log, user_id, { budget_usd, model: MODEL });
  startAttempt(log, task_id);
  const caller = { task_id, user_id, attempt: 1 };
  return {
    caller,
    db,
    log,
    start: (prices = readPrices(undefined)) => new Ledger({ log, prices, logger: pino({ level: 'silent' }), caps: {} }),
    usage: () => taskOf(log, task_id).usage,
    open: () => listOpenRequests(db),
    charged: () => rows.filter(({ type }) => type === 'usage.updated'),
    /** Makes the requests in progress older. */
    age: (seconds: number) =>
      db.prepare('UPDATE open_requests SET at = ?').run(new Date(Date.now() - seconds * 1000).toISOString()),
  };
}

test('a reservation is stored before the request is sent, and removed with the charge', async (t) => {
  const { caller, start, usage, open, charged } = await setUp(t);
  const ledger = start();
  const reservation = await ledger.reserve(caller, REQUEST);
  t.like(open()[0], { task_id: caller.task_id, attempt: 1, cache_write_tokens: 4_000, max_tokens: 20_000 });
  t.is(usage().requests, 0);
  const parts = [{ ...NOTHING, input: 3_000, output: 100 }];
  ledger.settle(reservation, { kind: 'metered', model: MODEL, parts, edited: false });
  t.deepEqual(open(), []);
  t.like(usage(), { requests: 1, input_tokens: 3_000, output_tokens: 100 });
  t.is(charged().length, 1);
  start();
  t.is(usage().requests, 1);
});

test('a request that cost nothing leaves no reservation and no charge', async (t) => {
  const { caller, start, usage, open, charged } = await setUp(t);
  const ledger = start();
  ledger.settle(await ledger.reserve(caller, REQUEST), { kind: 'nothing' });
  t.deepEqual([open().length, usage().requests, charged().length], [0, 0, 0]);
});

test('requests that an earlier process left in progress are charged once at the start, with an event', async (t) => {
  const { caller, start, usage, open, charged, age } = await setUp(t);
  const first = start();
  await first.reserve(caller, REQUEST);
  await first.reserve(caller, { ...REQUEST, max_tokens: 100 });
  age(20);
  start();
  t.deepEqual(open(), []);
  t.like(usage(), { requests: 2, cache_write_tokens: 8_000 });
  // For one request as much as could be written in 20 seconds, for the other its max_tokens.
  const least = 20 * 300 + 4_000 + 100;
  t.true(usage().output_tokens >= least && usage().output_tokens < least + 10 * 300, `${usage().output_tokens}`);
  t.deepEqual(
    charged().map(({ task_id, attempt }) => [task_id, attempt]),
    [1, 2].map(() => [caller.task_id, 1]),
  );
  const before = usage();
  start();
  t.deepEqual(usage(), before);
  t.is(charged().length, 2);
});

test('a charge that could not be stored at the start is stored before the next request is sent', async (t) => {
  const { caller, db, start, usage, open } = await setUp(t);
  await start().reserve(caller, REQUEST);
  db.pragma('query_only = ON');
  const ledger = start();
  await t.throwsAsync(ledger.reserve(caller, REQUEST), { code: 'unavailable' });
  t.is(usage().requests, 0);
  db.pragma('query_only = OFF');
  await ledger.reserve(caller, REQUEST);
  t.is(usage().requests, 1);
  t.is(open().length, 1);
});

test('once an answer has begun, its prompt is charged as the API counted it', async (t) => {
  const { caller, start, usage, open, log } = await setUp(t);
  const ledger = start();
  const reservation = await ledger.reserve(caller, REQUEST);
  ledger.recordPrompt(reservation, MODEL, { ...NOTHING, input: 10, cache_read: 2_500, output: 1 });
  await log.enqueue(() => undefined);
  t.like(open()[0], { input_tokens: 10, cache_write_tokens: 0, cache_read_tokens: 2_500 });
  start();
  t.like(usage(), { requests: 1, input_tokens: 10, cache_write_tokens: 0, cache_read_tokens: 2_500 });
});

test('an interrupted request is charged even if its model has no price any more', async (t) => {
  const { caller, start, usage } = await setUp(t);
  await start().reserve(caller, REQUEST);
  start(demoPrices());
  t.true(usage().cost_usd > 0);
});

test('no task exceeds its budget, however often the server dies in the middle of an answer', async (t) => {
  const { caller, start, usage, age } = await setUp(t, 1);
  let deaths = 0;
  const live = async (): Promise<void> => {
    for (;;) {
      await start().reserve(caller, { ...REQUEST, max_tokens: 64_000 });
      age(deaths % 7 === 0 ? 10_000 : 5);
      deaths++;
    }
  };
  await t.throwsAsync(live(), { instanceOf: BudgetSpent });
  t.true(deaths > 2, `${deaths} deaths`);
  t.is(usage().requests, deaths);
  t.true(usage().cost_usd > 0.9 && usage().cost_usd <= 1, `${usage().cost_usd}`);
});

test('an answer at the price of a more expensive model is charged at that price, at a cheaper one as asked', async (t) => {
  const { caller, start, usage } = await setUp(t);
  const ledger = start();
  const parts = [{ ...NOTHING, input: 1_000, output: 1_000 }];
  const charge = async (model: string) => {
    const before = usage().cost_usd;
    ledger.settle(await ledger.reserve(caller, REQUEST), { kind: 'metered', model, parts, edited: false });
    return Math.round((usage().cost_usd - before) * 1e6);
  };
  t.is(await charge(`${MODEL}-20261001`), 12_000);
  t.is(await charge('claude-unheard-of'), 12_000);
  t.is(await charge('claude-haiku-5-5'), 12_000);
  t.is(await charge('claude-opus-5-5'), 24_000);
});

test('once a more expensive model has answered, requests reserve its price, so that the budget holds', async (t) => {
  for (const told of ['settle', 'recordPrompt'] as const) {
    const { caller, start, usage } = await setUp(t, 1);
    const ledger = start();
    const answered = 'claude-fable-5-1';
    const first = await ledger.reserve(caller, { ...REQUEST, max_tokens: 1_100 });
    const prompt = { ...NOTHING, cache_write_5m: 4_000 };
    if (told === 'recordPrompt') ledger.recordPrompt(first, answered, prompt);
    ledger.settle(first, { kind: 'metered', model: answered, parts: [{ ...prompt, output: 1_100 }], edited: false });
    const other = await ledger.reserve(caller, { ...REQUEST, max_tokens: 0, model: 'claude-haiku-5-5' });
    t.is(other.prompt.prompt_usd, (4_000 * 0.125) / 1e6, 'another model is not concerned');
    ledger.settle(other, { kind: 'nothing' });
    let requests = 1;
    const ask = async () => {
      const reservation = await ledger.reserve(caller, REQUEST);
      const parts = [{ ...prompt, output: reservation.max_tokens }];
      ledger.settle(reservation, { kind: 'metered', model: answered, parts, edited: false });
      requests++;
      t.true(usage().cost_usd <= 1 + 1e-9, `${usage().cost_usd} after ${requests}`);
      await ask();
    };
    await t.throwsAsync(ask(), { instanceOf: BudgetSpent });
    t.true(requests > 1 && usage().cost_usd > 0.9);
  }
});

test('an answer whose cost is not known is charged with all that was reserved', async (t) => {
  const { caller, start, usage } = await setUp(t);
  const ledger = start();
  const reservation = await ledger.reserve(caller, REQUEST);
  ledger.recordPrompt(reservation, MODEL, { ...NOTHING, input: 10 });
  ledger.settle(reservation, { kind: 'unknown' });
  t.like(usage(), { cache_write_tokens: 4_000, output_tokens: 20_000 });
  t.is(Math.round(usage().cost_usd * 1e6), 4_000 * 2.5 + 20_000 * 10);
});

test('deleting a task deletes its reservations', async (t) => {
  const { caller, db, start, open } = await setUp(t);
  const ledger = start();
  const reservation = await ledger.reserve(caller, REQUEST);
  db.prepare('DELETE FROM tasks WHERE id = ?').run(caller.task_id);
  t.is(db.prepare('SELECT count(*) FROM open_requests').pluck().get(), 0);
  t.notThrows(() => ledger.settle(reservation, { kind: 'unknown' }));
  t.deepEqual(open(), []);
});
