import test, { type ExecutionContext } from 'ava';
import { LIMITS } from '../../../protocol/limits.ts';
import { findAttempt, findAttemptState } from '../../../coordinator/sqlite/attempts.ts';
import { advance } from '../../../coordinator/tasks/advance.ts';
import { callerOf, setCallbackScene } from '../../support/callback-scene.ts';
import { endTask, startAttempt, taskOf } from '../../support/fixtures.ts';

const at = new Date().toISOString();
const line = (seq: number, text: string) => ({ seq, at, type: 'log', body: { level: 'info', text } });
const custom = (seq: number, chars: number, char = 'x') => ({
  seq,
  at,
  type: 'custom',
  body: { name: 'flood', data: char.repeat(chars) },
});

/** A scene whose attempt has room for this many bytes more. */
async function withRoom(t: ExecutionContext, bytes: number) {
  const scene = await setCallbackScene(t);
  const { db } = scene.scene.log;
  db.prepare('UPDATE attempts SET log_bytes = ?').run(LIMITS.attempt_log_bytes_max - bytes);
  return { ...scene, size: () => findAttemptState(db, scene.task_id, 1)?.log_bytes ?? 0 };
}

test('what an attempt stores is counted once for each event, in bytes, and is counted per attempt', async (t) => {
  const { scene, task_id, events, heartbeat } = await setCallbackScene(t);
  const sizes = (n: number) => findAttemptState(scene.log.db, task_id, n)?.log_bytes;
  const batch = [line(1, 'a'), custom(2, 1_000, '€'), line(3, 'b')];
  const bodies = batch.reduce((sum, { body }) => sum + Buffer.byteLength(JSON.stringify(body)), 0);
  for (let i = 0; i < 3; i++) t.is((await events(batch)).status, 200);
  await heartbeat({ last_seq: 3 });
  t.is(sizes(1), bodies + 3 * LIMITS.event_row_bytes);
  t.is((await events([line(9, 'gap')])).status, 409);
  t.is(sizes(1), bodies + 3 * LIMITS.event_row_bytes);
});

const FLOODS: Record<string, (seq: number) => object[]> = {
  'long events': (seq) => [custom(seq, 900_000), custom(seq + 1, 900_000)],
  'characters of three bytes': (seq) => [custom(seq, 300_000, '€'), custom(seq + 1, 300_000, '€')],
  'many short events': (seq) => Array.from({ length: 500 }, (_, i) => line(seq + i, '')),
};

for (const [what, flood] of Object.entries(FLOODS))
  test(`an attempt that floods its log with ${what} is ended, and stores nothing more`, async (t) => {
    const { scene, task_id, events, result, heartbeat, size } = await withRoom(t, 4_000_000);
    let answer = await events(flood(1));
    for (let posts = 1; answer.status === 200 && posts < 100; posts++) {
      const last = (answer.body as { acked_seq: number }).acked_seq;
      answer = await events(flood(last + 1));
    }
    t.like(answer, { status: 409, body: { code: 'log_full' } });
    t.true(size() <= LIMITS.attempt_log_bytes_max);
    t.like(taskOf(scene.log, task_id), { status: 'failed', reason: 'log_full', failures: 1 });
    t.regex(taskOf(scene.log, task_id).detail ?? '', /256 MB of events.* Its workspace is kept/);
    t.is(findAttempt(scene.log.db, task_id, 1)?.status, 'failed');
    const rows = scene.log.db.prepare('SELECT count(*) FROM events').pluck().get();
    for (const call of [events(flood(1)), heartbeat(), result(0)])
      t.like(await call, { status: 409, body: { code: 'stale_attempt' } });
    t.is(scene.log.db.prepare('SELECT count(*) FROM events').pluck().get(), rows);
  });

test('an attempt that is just within the limit goes on, and the next attempt has the whole limit again', async (t) => {
  const size = Buffer.byteLength(JSON.stringify(line(1, 'exact').body)) + LIMITS.event_row_bytes;
  const { scene, task_id, events } = await withRoom(t, size);
  t.is((await events([line(1, 'exact')])).status, 200);
  t.is((await events([line(1, 'exact')])).status, 200, 'a repeat takes no room');
  t.like(await events([line(2, '')]), { status: 409, body: { code: 'log_full' } });
  scene.log.write((tx) => advance(tx, taskOf(scene.log, task_id), { type: 'retry', at }));
  const next = await callerOf(scene, task_id, startAttempt(scene.log, task_id));
  t.is((await next.events([line(1, 'on it goes')])).status, 200);
});

test('a cancel that was asked for wins over a full log', async (t) => {
  const { scene, task_id, events } = await withRoom(t, 10);
  scene.log.write((tx) => advance(tx, taskOf(scene.log, task_id), { type: 'cancel', reason: 'enough', at }));
  t.is((await events([line(1, 'x')])).status, 409);
  t.like(taskOf(scene.log, task_id), { status: 'cancelled', reason: null });
});

const MB = 1024 * 1024;
const ROOMY = { bytes_max: 1024 * MB, events_max: 1_000_000 };
const QUOTAS = {
  'bytes of an attempt': {
    quota: { attempt: { ...ROOMY, bytes_max: MB }, task: ROOMY },
    attempts: 1,
    says: /^The attempt wrote more than 1 MB/,
  },
  'events of an attempt': {
    quota: { attempt: { ...ROOMY, events_max: 40 }, task: ROOMY },
    attempts: 1,
    says: /^The attempt wrote more than 40 events/,
  },
  'bytes of an errand': {
    quota: { attempt: ROOMY, task: { ...ROOMY, bytes_max: 2 * MB } },
    attempts: 3,
    says: /^The attempts of this errand wrote more than 2 MB.* Start a new errand/,
  },
  'events of an errand': {
    quota: { attempt: ROOMY, task: { ...ROOMY, events_max: 100 } },
    attempts: 3,
    says: /^The attempts of this errand wrote more than 100 events.* Start a new errand/,
  },
} as const;

for (const [what, { quota, attempts, says }] of Object.entries(QUOTAS))
  test(`a quota of the ${what} ends the attempt with the reason, and nothing more is stored`, async (t) => {
    const { scene, task_id, ...first } = await setCallbackScene(t, {}, { event_quotas: quota });
    const { db } = scene.log;
    let caller: Pick<typeof first, 'events'> = first;
    let full: unknown;
    for (let n = 1; n <= attempts; n++) {
      // Each attempt of a group takes less than the quota: only together they are over it.
      let answer = await caller.events([custom(1, 25_000)]);
      for (let seq = 2; answer.status === 200 && seq <= (attempts === 1 ? 100 : 40); seq++)
        answer = await caller.events([custom(seq, 25_000)]);
      full = answer;
      if (answer.status !== 200 || n === attempts) break;
      endTask(scene.log, task_id, 'failed');
      scene.log.write((tx) => advance(tx, taskOf(scene.log, task_id), { type: 'retry', at }));
      caller = await callerOf(scene, task_id, startAttempt(scene.log, task_id));
    }
    t.like(full, { status: 409, body: { code: 'log_full' } });
    t.like(taskOf(scene.log, task_id), { status: 'failed', reason: 'log_full', attempt: attempts });
    t.regex(taskOf(scene.log, task_id).detail ?? '', says);
    const limit = { ...quota.attempt, ...(attempts > 1 && quota.task) };
    const stored = db
      .prepare<[], { bytes: number; events: number }>(
        'SELECT sum(log_bytes) AS bytes, sum(last_seq) AS events FROM attempts',
      )
      .get();
    t.true((stored?.bytes ?? 0) <= limit.bytes_max && (stored?.events ?? 0) <= limit.events_max);
  });
