import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { EventLog, type Tx } from '../../../coordinator/sqlite/event-log.ts';
import { createLogger } from '../../../coordinator/base/logger.ts';
import { openDatabase } from '../../../coordinator/sqlite/open-database.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { WAL_BYTES } from '../../../coordinator/sqlite/wal-room.ts';
import type { EventRow } from '../../../coordinator/sqlite/events.ts';
import { diskTest, mountDisk } from '../../support/disk.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { addTask, addUser } from '../../support/fixtures.ts';
import { until } from '../../support/until.ts';

async function open(t: ExecutionContext, folder?: string) {
  const db = openTestDatabase(join(folder ?? (await temporaryFolder(t)), 'errand.db'));
  t.teardown(() => db.close());
  const commits: EventRow[][] = [];
  const faults: unknown[] = [];
  const fulls: number[] = [];
  const lines: string[] = [];
  const logger = createLogger('debug', { write: (line) => lines.push(line) });
  const log = new EventLog({ db, logger, onDiskFailed: (error) => faults.push(error) });
  log.subscribeToAll((rows) => commits.push(rows));
  log.onFull(() => fulls.push(commits.length));
  const user_id = addUser(log);
  const task = addTask(log, user_id);
  const add = (tx: Tx, text: string) =>
    tx.append({
      task_id: task.id,
      user_id,
      attempt: 1,
      seq: null,
      type: 'log',
      at: task.created_at,
      body: `"${text}"`,
    });
  const stored = () =>
    db
      .prepare<[], string>('SELECT body FROM events ORDER BY id')
      .pluck()
      .all()
      .map((body) => JSON.parse(body));
  return { log, commits, faults, fulls, lines, add, stored, task };
}

test('work enqueued in one turn of the event loop shares one commit, and its promises resolve after it', async (t) => {
  const { log, commits, add, stored } = await open(t);
  const order: string[] = [];
  const works = ['a', 'b', 'c'].map((text) =>
    log.enqueue((tx) => add(tx, text)).then(() => order.push(`${text} of ${stored().length}`)),
  );
  t.deepEqual(stored(), []);
  await Promise.all(works);
  t.deepEqual(order, ['a of 3', 'b of 3', 'c of 3']);
  t.deepEqual(
    commits.map((rows) => rows.map(({ body }) => body)),
    [['"a"', '"b"', '"c"']],
  );
});

test('many rows are stored as they are one by one, however many they are', async (t) => {
  const { log, commits, add, task } = await open(t);
  const row = { task_id: task.id, user_id: task.user_id, attempt: 1, type: 'log', at: task.created_at };
  const counts = [0, 1, 2, 19, 20, 21, 39, 40, 41, 100];
  let seq = 0;
  await log.enqueue((tx) => {
    for (const count of counts) {
      tx.appendAll(Array.from({ length: count }, () => ({ ...row, seq: ++seq, body: String(seq) })));
      add(tx, 'between');
    }
  });
  const stored = log.db.prepare<[], EventRow>('SELECT * FROM events ORDER BY id').all();
  t.deepEqual(commits.at(-1), stored);
  t.deepEqual(
    stored.filter((event) => event.seq !== null).map((event) => [event.seq, event.body]),
    Array.from({ length: seq }, (_, i) => [i + 1, String(i + 1)]),
  );
});

test('work that throws rolls back its own writes, events and effects, and no others', async (t) => {
  const { log, commits, add, stored } = await open(t);
  const effects: string[] = [];
  const work = (text: string, fails: boolean) =>
    log.enqueue((tx) => {
      tx.afterCommit(() => effects.push(text));
      add(tx, text);
      if (fails) throw new Error(text);
      return text;
    });
  const results = await Promise.allSettled([work('a', false), work('b', true), work('c', false)]);
  t.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  t.deepEqual(
    [stored(), effects],
    [
      ['a', 'c'],
      ['a', 'c'],
    ],
  );
  t.deepEqual(
    commits.map((rows) => rows.map(({ body }) => body)),
    [['"a"', '"c"']],
  );
});

test('write commits at once, or leaves nothing behind', async (t) => {
  const { log, commits, add, stored } = await open(t);
  t.is(
    log.write((tx) => add(tx, 'a').body),
    '"a"',
  );
  t.throws(
    () =>
      log.write((tx) => {
        add(tx, 'b');
        throw new Error('no');
      }),
    { message: 'no' },
  );
  t.deepEqual([stored(), commits.length], [['a'], 1]);
  t.throws(() => log.write(() => log.write(() => 1)), { message: /inside a transaction/ });
});

test('rows are published in the order of their ids, before the effects', async (t) => {
  const { log, commits, add } = await open(t);
  const seen: number[] = [];
  const works = Array.from({ length: 50 }, (_, i) =>
    log.enqueue((tx) => {
      add(tx, String(i));
      tx.afterCommit(() => seen.push(commits.flat().length));
    }),
  );
  log.write((tx) => add(tx, 'first'));
  await Promise.all(works);
  const ids = commits.flat().map(({ id }) => id);
  t.deepEqual(
    ids,
    ids.toSorted((a, b) => a - b),
  );
  t.deepEqual(new Set(seen), new Set([51]));
});

test('a group commit is bounded; the rest goes into the next one', async (t) => {
  const { log, commits, add } = await open(t);
  await Promise.all(
    Array.from({ length: 30 }, () =>
      log.enqueue((tx) => {
        for (let i = 0; i < 100; i++) add(tx, 'x');
      }),
    ),
  );
  t.deepEqual(
    commits.map((rows) => rows.length),
    [1000, 1000, 1000],
  );
});

test('a subscriber or a side effect that throws is logged, and affects neither the others nor the callers', async (t) => {
  const { log, lines, commits, add, stored, task } = await open(t);
  const told: string[] = [];
  log.subscribe('task.budget', () => {
    throw new Error('subscriber');
  });
  log.subscribe('task.budget', ({ task_id, body }) => told.push(`${task_id} ${body.budget_usd}`));
  await log.enqueue((tx) => {
    add(tx, 'a');
    tx.note(task, { type: 'task.budget', body: { budget_usd: 3 } }, task.created_at);
    tx.afterCommit(() => {
      throw new Error('side effect');
    });
    tx.afterCommit(() => told.push('effect'));
  });
  t.deepEqual(told, [`${task.id} 3`, 'effect']);
  t.deepEqual([stored().length, commits.length], [2, 1]);
  const failures = lines.map((line) => JSON.parse(line)).map(({ msg, err }) => [msg, err.message]);
  t.deepEqual(failures, [
    ['log subscriber failed', 'subscriber'],
    ['log subscriber failed', 'side effect'],
  ]);
});

test('subscribers are called after the commit, in commit order, for their type only, until they unsubscribe', async (t) => {
  const { log, stored, task } = await open(t);
  const told: string[] = [];
  const unsubscribe = log.subscribe('task.budget', ({ id, body }) =>
    told.push(`${id}: ${body.budget_usd} of ${stored().length}`),
  );
  log.subscribe('attempt.ended', () => t.fail('there was no such event'));
  log.subscribeToNotice('removed', () => told.push('removed'));
  const note = (budget_usd: number) =>
    log.enqueue((tx) => void tx.note(task, { type: 'task.budget', body: { budget_usd } }, task.created_at));
  const undone = log.enqueue((tx) => {
    tx.note(task, { type: 'task.budget', body: { budget_usd: 99 } }, task.created_at);
    tx.announce('removed');
    throw new Error('undone');
  });
  await Promise.allSettled([note(1), undone, note(2)]);
  log.write((tx) => tx.announce('removed'));
  unsubscribe();
  await note(3);
  t.deepEqual(told, ['1: 1 of 2', '2: 2 of 2', 'removed']);
});

test('a full disk fails the whole group as unavailable, damages nothing, and writes go on once there is room', async (t) => {
  const { log, faults, add, stored } = await open(t);
  const pages = Number(log.db.pragma('page_count', { simple: true }));
  log.db.pragma(`max_page_count = ${pages + 2}`);
  const works = ['a', 'b'.repeat(100_000), 'c'].map((text) => log.enqueue((tx) => void add(tx, text)));
  const results = await Promise.allSettled(works);
  const failed = results.filter((result) => result.status === 'rejected');
  t.true(failed.length > 0);
  for (const { reason } of failed) t.like(reason, { code: 'unavailable' });
  t.is(stored().length, 3 - failed.length);
  t.throws(() => log.write((tx) => void add(tx, 'd'.repeat(100_000))), { code: 'unavailable' });
  log.db.pragma('max_page_count = 1000000');
  await log.enqueue((tx) => void add(tx, 'e'));
  t.is(stored().at(-1), 'e');
  t.is(log.db.pragma('integrity_check', { simple: true }), 'ok');
  t.deepEqual(faults, []);
});

diskTest('a real full disk fails writes as unavailable, and they go on once there is room', async (t) => {
  const disk = mountDisk(t, join(await temporaryFolder(t), 'disk'), 2);
  const { log, faults, fulls, add, stored } = await open(t, disk);
  writeFileSync(join(disk, 'reserve'), Buffer.alloc(500_000));
  let acknowledged = 0;
  const fill = async () => {
    for (;;) {
      await log.enqueue((tx) => void add(tx, 'x'.repeat(20_000)));
      acknowledged += 1;
    }
  };
  t.like(await t.throwsAsync(fill()), { code: 'unavailable' });
  t.is(stored().length, acknowledged);
  t.is(fulls.length, 1);
  rmSync(join(disk, 'reserve'));
  await log.enqueue((tx) => void add(tx, 'room'));
  t.deepEqual([stored().length, stored().at(-1)], [acknowledged + 1, 'room']);
  t.is(log.db.pragma('integrity_check', { simple: true }), 'ok');
  t.deepEqual(faults, []);
});

test('after a disk failure nothing is written, and it is reported once', async (t) => {
  const { log, faults, add } = await open(t);
  const fail = () => {
    // What the driver throws when an fsync fails.
    const { SqliteError } = log.db.constructor as unknown as { SqliteError: new (m: string, code: string) => Error };
    throw new SqliteError('disk I/O error', 'SQLITE_IOERR_FSYNC');
  };
  await t.throwsAsync(log.enqueue(fail), { code: 'unavailable' });
  await t.throwsAsync(
    log.enqueue((tx) => void add(tx, 'a')),
    { code: 'unavailable' },
  );
  t.throws(() => log.write((tx) => void add(tx, 'b')), { code: 'unavailable' });
  await until('the fault is reported', () => faults.length === 1);
  t.like(faults[0], { cause: { code: 'SQLITE_IOERR_FSYNC' } });
  t.regex(String(faults[0]), /disk failed.*started again/);
});

test('while another process holds the lock, one write waits for it, and the others fail at once', async (t) => {
  const { log, faults, add, stored } = await open(t);
  const timeout = () => log.db.pragma('busy_timeout', { simple: true });
  t.is(timeout(), 5000);
  log.db.pragma('busy_timeout = 20');
  const other = openDatabase(log.db.name);
  t.teardown(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  t.throws(() => log.write((tx) => void add(tx, 'a')), { code: 'unavailable', message: /Another process/ });
  t.is(timeout(), 0);
  const works = ['b', 'c'].map((text) => log.enqueue((tx) => void add(tx, text)));
  for (const result of await Promise.allSettled(works))
    t.like(result, { status: 'rejected', reason: { code: 'unavailable', retry_after_s: 1 } });
  t.deepEqual(stored(), [], 'it can be read meanwhile');
  other.exec('ROLLBACK');
  await log.enqueue((tx) => void add(tx, 'd'));
  t.deepEqual([stored(), timeout(), faults], [['d'], 5000, []]);
});

test('a WAL that grew under a long read is cut after it, and removed at a clean stop', async (t) => {
  const { log, add } = await open(t);
  const wal = `${log.db.name}-wal`;
  const mb = () => statSync(wal).size / 1024 / 1024;
  const reader = openDatabase(log.db.name);
  reader.exec('BEGIN; SELECT * FROM events');
  t.truthy(reader.prepare('SELECT count(*) AS n FROM events').get());
  for (let i = 0; i < 100; i++) log.write((tx) => void add(tx, 'x'.repeat(500_000)));
  t.true(mb() > 40);
  reader.close();
  // The first commit brings all of it into the database, the next begins the WAL anew.
  for (let i = 0; i < 2; i++) log.write((tx) => void add(tx, 'y'));
  t.true(mb() <= WAL_BYTES / 1024 / 1024, `${mb()} MB`);
  log.db.close();
  t.false(existsSync(wal));
});
