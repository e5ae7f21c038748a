import test, { type ExecutionContext } from 'ava';
import { DueQueue, type DueQueueDependencies } from '../../../coordinator/base/due-queue.ts';
import { hasToWait, nextTryAt } from '../../../coordinator/base/retry.ts';
import { SILENT } from '../../support/silent.ts';
import { until } from '../../support/until.ts';

type Row = { id: number; key: string; due_at: number | null };

/** A queue over rows in memory. Each piece of work lasts until `finish`, and then settles its row. */
class Scene {
  readonly rows: Row[] = [];
  readonly begun: number[] = [];
  readonly aborted: number[] = [];
  readonly #finish = new Map<number, (error?: Error) => void>();
  readonly queue: DueQueue<Row>;
  now = Date.parse('2026-01-01T00:00:00Z');
  reads = 0;

  constructor(t: ExecutionContext, options: Partial<DueQueueDependencies<Row>> = {}) {
    this.queue = new DueQueue<Row>({
      name: 'test',
      listDue: (at, limit, { full, busy }) => {
        const due = this.#due(Date.parse(at)).filter(({ key }) => !busy.includes(key));
        return due.filter((row) => !options.groupsOf?.(row).some(isIn(full))).slice(0, limit);
      },
      nextAt: (at) => this.#nextAt(Date.parse(at)),
      bringForward: (latest, at) => {
        const far = this.rows.filter(({ due_at }) => due_at !== null && due_at > Date.parse(latest));
        for (const row of far) row.due_at = Date.parse(at);
        return far.length;
      },
      keyOf: ({ key }) => key,
      at_once_max: 3,
      work: (row, signal) => this.#work(row, signal),
      pause_ms: 1,
      now: () => this.now,
      logger: SILENT,
      ...options,
    });
    t.teardown(() => this.queue.stop());
  }

  add(...keys: string[]): void {
    for (const key of keys) this.rows.push({ id: this.rows.length, key, due_at: this.now });
    this.queue.wake();
  }

  async finish(id: number, error?: Error): Promise<void> {
    const finish = await until(`${id} is worked on`, () => this.#finish.get(id));
    this.#finish.delete(id);
    finish(error);
  }

  /** Resolves once these were begun, in this order. */
  async saw(t: ExecutionContext, ...ids: number[]): Promise<void> {
    await until(`begun: ${ids.join()}`, () => this.begun.length >= ids.length);
    // One more round, in which no others may be begun.
    const { reads } = this;
    this.queue.wake();
    await until('the rows are read again', () => this.reads > reads);
    t.deepEqual(this.begun, ids);
  }

  #due(at: number): Row[] {
    this.reads += 1;
    return this.rows.filter(({ due_at }) => due_at !== null && due_at <= at);
  }

  #nextAt(at: number): string | undefined {
    const later = this.rows.flatMap(({ due_at }) => (due_at !== null && due_at > at ? [due_at] : []));
    return later.length === 0 ? undefined : new Date(Math.min(...later)).toISOString();
  }

  async #work(row: Row, signal: AbortSignal): Promise<void> {
    this.begun.push(row.id);
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    this.#finish.set(row.id, (error) => (error ? reject(error) : resolve(undefined)));
    signal.addEventListener('abort', () => {
      this.aborted.push(row.id);
      reject(new Error('aborted'));
    });
    await promise;
    row.due_at = null;
  }
}

const isIn =
  (full: string[]) =>
  ({ name }: { name: string }): boolean =>
    full.includes(name);

test('rows with one key are worked on one after the other, others meanwhile', async (t) => {
  const scene = new Scene(t);
  scene.queue.start();
  scene.add('a', 'a', 'b');
  await scene.saw(t, 0, 2);
  await scene.finish(0);
  await scene.saw(t, 0, 2, 1);
});

test('no more rows are worked on at once than the limit allows; the end of one begins the next', async (t) => {
  const scene = new Scene(t);
  scene.queue.start();
  scene.add('a', 'b', 'c', 'd', 'e');
  await scene.saw(t, 0, 1, 2);
  await scene.finish(1);
  await scene.saw(t, 0, 1, 2, 3);
});

/** The first letter of the key names the group, of which this many are worked on at once. */
const inGroups = (at_once_max: number) => ({
  groupsOf: ({ key }: Row) => [{ name: key.charAt(0), at_once_max }],
});

test('a row whose group has as many at work as it may lets those behind it go first', async (t) => {
  const scene = new Scene(t, inGroups(1));
  scene.queue.start();
  scene.add('a1', 'a2', 'b1');
  await scene.saw(t, 0, 2);
  await scene.finish(0);
  await scene.saw(t, 0, 2, 1);
});

test('the rows of a group leave room for those behind them, however many they are', async (t) => {
  const scene = new Scene(t, inGroups(2));
  scene.add(...Array.from({ length: 1_000 }, (_, n) => `a${n}`), 'b');
  scene.queue.start();
  await scene.saw(t, 0, 1, 1_000);
  await scene.finish(0);
  await scene.saw(t, 0, 1, 1_000, 2);
});

test('the rows of a key leave room for those behind them, however many they are', async (t) => {
  const scene = new Scene(t);
  scene.add(...Array<string>(1_000).fill('a'), 'b');
  scene.queue.start();
  await scene.saw(t, 0, 1_000);
  await scene.finish(0);
  await scene.saw(t, 0, 1_000, 1);
});

test('a row is begun when it becomes due, without a wake', async (t) => {
  const start = performance.now();
  const began = Date.now();
  const scene = new Scene(t, { now: () => began + performance.now() - start });
  scene.rows.push({ id: 0, key: 'a', due_at: began + 60 });
  scene.queue.start();
  await until('it is begun', () => scene.begun.length === 1);
  t.true(performance.now() - start >= 59);
});

test('a row that becomes due while the rows are read is not missed', async (t) => {
  const rows: Row[] = [];
  const scene = new Scene(t, {
    listDue: () => {
      const due = rows.filter(({ due_at }) => due_at !== null);
      if (rows.length === 0) {
        rows.push({ id: 0, key: 'a', due_at: 0 });
        scene.queue.wake();
      }
      return due;
    },
  });
  scene.queue.start();
  await until('it is begun', () => scene.begun.length === 1);
  t.pass();
});

test('a row that becomes due between the two reads is not missed', async (t) => {
  const scene = new Scene(t, { now: () => scene.now++ });
  scene.rows.push({ id: 0, key: 'a', due_at: scene.now + 1 });
  scene.queue.start();
  await until('it is begun', () => scene.begun.length === 1);
  t.pass();
});

test('rows of a clock that was set forward are begun at the next wake, and none twice when it is set back', async (t) => {
  const scene = new Scene(t);
  scene.rows.push({ id: 0, key: 'a', due_at: scene.now + 3600_000 });
  scene.queue.start();
  await scene.saw(t);
  scene.now += 3600_000;
  scene.queue.wake();
  await scene.saw(t, 0);
  scene.now -= 7200_000;
  await scene.finish(0);
  await scene.saw(t, 0);
});

test('after an error the row is worked on again, after a pause, and other keys do not wait', async (t) => {
  const scene = new Scene(t, { pause_ms: 30 });
  scene.queue.start();
  scene.add('a');
  const failed = performance.now();
  await scene.finish(0, new Error('the disk is full'));
  scene.add('b');
  await until('it is begun again', () => scene.begun.length === 3);
  t.deepEqual(scene.begun, [0, 1, 0]);
  t.true(performance.now() - failed >= 29);
});

test('rows that cannot be read are read again at the next wake', async (t) => {
  let fails = true;
  const scene = new Scene(t, {
    nextAt: () => {
      if (fails) throw new Error('the disk is away');
      return undefined;
    },
  });
  scene.queue.start();
  fails = false;
  scene.add('a');
  await scene.saw(t, 0);
});

test('stop aborts the work, waits for its end, and begins nothing more', async (t) => {
  const scene = new Scene(t);
  scene.queue.start();
  scene.add('a', 'b');
  await scene.saw(t, 0, 1);
  await scene.queue.stop();
  t.deepEqual(scene.aborted, [0, 1]);
  scene.add('c');
  t.deepEqual(scene.begun, [0, 1]);
  t.is(scene.rows[0]?.due_at, scene.now, 'it begins anew at the next start');
});

test('the wait before the next try grows up to a maximum, and is no shorter than the other side asks for', (t) => {
  const times = { first_ms: 5, max_ms: 100 };
  const waits = [0, 1, 2, 3, 1_000].map((tries) => nextTryAt(times, { tries, now: 1_000 }) - 1_000);
  t.deepEqual(waits, [5, 20, 80, 100, 100]);
  t.is(nextTryAt(times, { tries: 0, now: 1_000, not_before: 2_000 }), 2_000);
  t.is(nextTryAt(times, { tries: 0, now: 1_000, not_before: 1_001 }), 1_005);
});

test('a row that a clock that was ahead has put off is begun once the clock is right, also after a start', async (t) => {
  const scene = new Scene(t);
  const year_ms = 365 * 24 * 3600_000;
  scene.rows.push({ id: 0, key: 'a', due_at: scene.now + 10 * year_ms });
  scene.rows.push({ id: 1, key: 'b', due_at: scene.now + 24 * 3600_000 });
  scene.queue.start();
  await scene.saw(t, 0);
  scene.now += 10 * year_ms;
  scene.rows.push({ id: 2, key: 'c', due_at: scene.now + 3600_000 });
  scene.queue.wake();
  await scene.saw(t, 0, 1);
  scene.now -= 10 * year_ms;
  scene.queue.wake();
  await scene.saw(t, 0, 1, 2);
});

test('what is put off has to wait until then, unless a clock that was ahead said so', (t) => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  const day_ms = 24 * 3600_000;
  t.true(hasToWait(now + day_ms, now));
  t.false(hasToWait(now, now));
  t.false(hasToWait(now + 2 * day_ms, now));
});
