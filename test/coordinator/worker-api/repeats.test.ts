import test, { type ExecutionContext } from 'ava';
import { LIMITS } from '../../../protocol/limits.ts';
import { setCallbackScene } from '../../support/callback-scene.ts';
import { CountingThreads } from '../../support/counting-threads.ts';

const at = '2026-11-01T09:00:00.000Z';
const ACKED = { control: { messages: [], cancel: null } };

const event = (seq: number, data: unknown) => ({ seq, at, type: 'custom', body: { name: 'x', data } });
const custom = (seq: number, data: unknown) => event(seq, { data, more: 0 });
/** The same event, with its keys in another order. */
const turned = (seq: number, data: unknown) => event(seq, { more: 0, data });
/** More values than are read on the loop. */
const many = (last: number) => Array.from({ length: 15_000 }, (_, i) => (i === 14_999 ? last : 0));

async function scene(t: ExecutionContext) {
  const threads = new CountingThreads();
  t.teardown(() => threads.close());
  const { scene: server, task_id, ...worker } = await setCallbackScene(t, {}, { threads });
  /** How many bytes were compared in threads since the last time. */
  const compared = () => threads.jobs.splice(0).flatMap(({ name, bytes }) => (name === 'SAME' ? [bytes] : []));
  const stored = () => server.log.db.prepare('SELECT count(*) FROM events WHERE seq IS NOT NULL').pluck().get();
  return { threads, task_id, compared, stored, ...worker };
}

test('large events with their keys in another order are compared in a thread, and their task pays', async (t) => {
  const { threads, task_id, compared, stored, events } = await scene(t);
  await events([custom(1, many(0)), custom(2, many(1))]);
  t.deepEqual(compared(), [], 'new events are not compared');
  const again = await events([turned(1, many(0)), turned(2, many(1)), custom(3, 'new')]);
  t.deepEqual(again.body, { acked_seq: 3, ...ACKED });
  t.true(threads.jobs.every(({ key }) => key === task_id));
  t.is(threads.charged.length, threads.jobs.length + 1);
  t.is(compared().length, 1);
  t.is(stored(), 3);
});

test('events that are sent again as they were need no comparison, however large they are', async (t) => {
  const { compared, events } = await scene(t);
  const sent = [custom(1, many(0)), custom(2, many(1))];
  await events(sent);
  t.deepEqual((await events(sent)).body, { acked_seq: 2, ...ACKED });
  t.deepEqual(compared(), []);
});

test('a large event with another content is refused, alone and after one that is the same', async (t) => {
  const { compared, stored, events } = await scene(t);
  await events([custom(1, many(0)), custom(2, many(1))]);
  for (const [sent, field] of [
    [[turned(2, many(2)), custom(3, 'new')], '/events/0'],
    [[turned(1, many(0)), turned(2, many(2)), custom(3, 'new')], '/events/1'],
  ] as const)
    t.like(await events([...sent]), { status: 409, body: { code: 'event_conflict', errors: [{ field }] } });
  t.is(compared().length, 2);
  t.is(stored(), 2);
});

test('texts of different lengths are no repeat of each other: nothing large is compared to know that', async (t) => {
  const { compared, events } = await scene(t);
  await events([custom(1, many(0)), custom(2, many(1))]);
  t.like(await events([custom(1, [0])]), { status: 409, body: { code: 'event_conflict' } });
  t.deepEqual(compared(), []);
});

test('many large events are compared in parts, until all are known to be the same', async (t) => {
  const { compared, stored, events } = await scene(t);
  const long = (seq: number) => `${seq}${'x'.repeat(LIMITS.event_bytes_max - 100)}`;
  const seqs = [1, 2, 3];
  await events(seqs.map((seq) => custom(seq, long(seq))));
  compared();
  const again = await events([...seqs.map((seq) => turned(seq, long(seq))), custom(4, 'new')]);
  t.deepEqual(again.body, { acked_seq: 4, ...ACKED });
  const parts = compared();
  t.is(parts.length, 2);
  for (const bytes of parts) t.true(bytes <= LIMITS.callback_body_bytes_max + 3 * LIMITS.event_bytes_max);
  t.is(stored(), 4);
});

test('the same event that comes twice at once is stored once', async (t) => {
  const { stored, events } = await scene(t);
  const answers = await Promise.all([events([custom(1, many(0))]), events([turned(1, many(0))])]);
  for (const { body } of answers) t.deepEqual(body, { acked_seq: 1, ...ACKED });
  t.is(stored(), 1);
});
