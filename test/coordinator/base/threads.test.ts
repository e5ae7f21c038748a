import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { ThreadPool } from '../../../coordinator/base/threads.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { doze, fail, fill, measure, refuse, spin } from '../../support/thread-jobs.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Who pays, and what was charged. */
function payer(key: string) {
  const charged: number[] = [];
  return { key, charged, charge: (ms: number) => charged.push(ms) };
}

test('a job runs in another thread, and the bytes come back with its result', async (t) => {
  const pool = new ThreadPool();
  t.teardown(() => pool.close());
  const who = payer('a');
  for (const bytes of [Buffer.alloc(1_000_000, 7), Buffer.from('in a pool'), Buffer.alloc(0)]) {
    const copy = Buffer.from(bytes);
    const done = await pool.run(who, measure, bytes, ['x']);
    t.deepEqual(done, { value: { bytes: copy.length, is_main: false, mark: 'x' }, bytes: copy });
  }
  t.is(who.charged.length, 3);
});

test('what a job throws arrives as it was thrown', async (t) => {
  const pool = new ThreadPool();
  t.teardown(() => pool.close());
  const refused = await t.throwsAsync(pool.run(payer('a'), refuse, Buffer.alloc(9), []), { instanceOf: ErrandError });
  t.like(refused, { code: 'invalid', message: 'no', errors: [{ field: '/a', message: 'is wrong' }] });
  await t.throwsAsync(pool.run(payer('a'), fail, Buffer.alloc(9), []), { instanceOf: RangeError, message: 'a bug' });
});

test('a job that takes too long or too much memory is refused, and the next one runs', async (t) => {
  const pool = new ThreadPool({ threads_max: 1, job_ms: 1_000, heap_mb: 32 });
  t.teardown(() => pool.close());
  for (const hostile of [spin, fill]) {
    const who = payer('a');
    await t.throwsAsync(pool.run(who, hostile, Buffer.alloc(9), []), { instanceOf: ErrandError, code: 'too_large' });
    t.true((who.charged[0] ?? 0) > 0);
    t.like(await pool.run(who, measure, Buffer.alloc(5), ['']), { value: { bytes: 5 } });
  }
});

test('a job that a busy machine holds up is not given up for that', async (t) => {
  const pool = new ThreadPool({ threads_max: 1, job_ms: 1_000 });
  t.teardown(() => pool.close());
  t.like(await pool.run(payer('a'), doze, Buffer.alloc(9), [2_500]), { value: 'awake' });
});

test('many jobs of one key do not hold up those of another', async (t) => {
  const pool = new ThreadPool({ threads_max: 1 });
  t.teardown(() => pool.close());
  const order: string[] = [];
  const run = (key: string) => pool.run(payer(key), measure, Buffer.alloc(1_000), ['']).then(() => order.push(key));
  await Promise.all(['a', 'a', 'a', 'a', 'b', 'a', 'b', 'c'].map(run));
  t.deepEqual(order, ['a', 'a', 'b', 'c', 'a', 'b', 'a', 'a']);
});

test('more jobs than may wait are refused', async (t) => {
  const pool = new ThreadPool({ threads_max: 1, waiting_max: 2 });
  t.teardown(() => pool.close());
  const run = () => pool.run(payer('a'), measure, Buffer.alloc(10), ['']);
  const results = await Promise.allSettled([run(), run(), run(), run()]);
  t.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'fulfilled', 'rejected'],
  );
});

test('a thread without work ends, and the next job starts another', async (t) => {
  const pool = new ThreadPool({ idle_ms: 1 });
  t.teardown(() => pool.close());
  for (let i = 0; i < 3; i++)
    t.like(await pool.run(payer('a'), measure, Buffer.alloc(10), ['']), { value: { bytes: 10 } });
});

test('every job names the file that it is in: a bundled server finds it by that', async (t) => {
  const files = await readdir(join(ROOT, 'coordinator'), { recursive: true });
  const sources = files.filter((path) => path.endsWith('.ts') && !/(^|\/)(bundle|node_modules)\//.test(path));
  const named: [file: string, module: string][] = [];
  for (const path of sources) {
    const text = await readFile(join(ROOT, 'coordinator', path), 'utf8');
    for (const [, module = ''] of text.matchAll(/= job\(\s*([^,]+),/g)) named.push([`'coordinator/${path}'`, module]);
  }
  t.true(named.length >= 6);
  for (const [file, module] of named) t.is(module, file);
});
