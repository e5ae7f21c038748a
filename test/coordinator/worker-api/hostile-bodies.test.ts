import test, { type ExecutionContext } from 'ava';
import { LIMITS } from '../../../protocol/limits.ts';
import { setCallbackScene } from '../../support/callback-scene.ts';
import { HOSTILE, WRONG } from '../../support/hostile-bodies.ts';
import { callWorkerApi } from '../../support/worker-api-call.ts';

const at = '2026-11-01T09:00:00.000Z';

async function scene(t: ExecutionContext) {
  const { scene, task_id, token, where } = await setCallbackScene(t);
  const send = (name: string, text: string) =>
    callWorkerApi(where, { path: `/internal/tasks/${task_id}/${name}`, token, body: text });
  return { scene, send };
}

for (const [what, text] of Object.entries(HOSTILE))
  test(`a callback with ${what} is refused before it is parsed`, async (t) => {
    const { send } = await scene(t);
    for (const name of ['events', 'heartbeat', 'result'])
      t.like(await send(name, text), { status: 413, body: { code: 'too_large' } }, name);
  });

for (const [what, text] of Object.entries(WRONG))
  test(`a callback with ${what} is refused at the first of them, with a short answer`, async (t) => {
    const { send } = await scene(t);
    const { status, body } = await send('events', text);
    t.is(status, 400);
    const { errors } = body as { errors: unknown[] };
    t.true(errors.length <= 20);
    t.true(JSON.stringify(body).length < 10_000);
  });

test('a flood of hostile callbacks is refused by its rate, and another task is not', async (t) => {
  const { scene: server, send } = await scene(t);
  const other = await setCallbackScene(t);
  const told = new Set<string>();
  const text = HOSTILE['zeros in place of events'] ?? '';
  // On a busy machine the burst is renewed nearly as fast as it is used up, so this goes on until it is.
  while (![...told].some((detail) => detail.includes('Too much data'))) {
    const answers = await Promise.all(Array.from({ length: LIMITS.callbacks_at_once_max }, () => send('events', text)));
    for (const { body } of answers) told.add((body as { detail: string }).detail);
  }
  t.true(told.size > 1, 'as long as there is a burst, what is wrong with the body is said');
  t.is((await other.heartbeat()).status, 200);
  t.is(server.log.db.prepare('SELECT count(*) FROM events WHERE seq IS NOT NULL').pluck().get(), 0);
});

test('a large callback is stored as a small one is', async (t) => {
  const { events, scene: server } = await setCallbackScene(t);
  const long = { seq: 1, at, type: 'custom', body: { name: 'x', data: 'é'.repeat(300_000) } };
  const pushed = { seq: 2, at, type: 'plan.updated', body: { items: [{ text: 'go on', status: 'pending' }] } };
  t.like(await events([long, pushed]), { status: 200, body: { acked_seq: 2 } });
  t.like(await events([long, pushed]), { status: 200, body: { acked_seq: 2 } });
  const bodies = server.log.db.prepare('SELECT body FROM events WHERE seq IS NOT NULL ORDER BY seq').pluck().all();
  t.deepEqual(bodies, [JSON.stringify(long.body), JSON.stringify(pushed.body)]);
  t.regex(String(server.log.db.prepare('SELECT plan FROM tasks').pluck().get()), /go on/);
});
