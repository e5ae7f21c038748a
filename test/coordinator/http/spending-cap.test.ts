import test, { type ExecutionContext } from 'ava';
import { occasionOf } from '../../../coordinator/notifications/occasion.ts';
import { endAttempt } from '../../../coordinator/tasks/advance.ts';
import { runTask, taskOf } from '../../support/fixtures.ts';
import { startApi } from '../../support/start-api.ts';

const DAY_MS = 86_400_000;

/** An errand that met the limit of the month, which begins anew so many days from now. */
async function capped(t: ExecutionContext, days: number) {
  const { log, person } = await startApi(t);
  const { api } = await person();
  const { id } = await api.call('createTask', { body: { prompt: 'Fix it', repo_url: 'https://forge.example/a/b' } });
  runTask(log, id);
  const now = Date.now();
  const at = new Date(now).toISOString();
  const retry_at = new Date(now + days * DAY_MS).toISOString();
  const end = { status: 'failed' as const, reason: 'spending_cap' as const, detail: 'That is all.', at, retry_at };
  log.write((tx) => endAttempt(tx, taskOf(log, id), 1, end));
  const [task, page, events] = await Promise.all([
    api.call('getTask', { params: { id } }),
    api.call('listTasks', {}),
    api.call('listEvents', { params: { id } }),
  ]);
  return { api, id, task, page, events: events.items };
}

const SAID = { reason: 'model_unavailable', capped: true };

for (const [days, status] of [
  [1, 'queued'],
  [30, 'failed'],
] as const)
  test(`an app that knows no limit of the month can read an errand that met it and is ${status}`, async (t) => {
    const { task, page, events } = await capped(t, days);
    t.like(task, { status, ...SAID });
    t.like(task.attempts[0], SAID);
    t.like(page.items[0], SAID);
    const bodies = events.filter(({ type }) => type === 'attempt.ended' || type === 'task.status');
    for (const { body } of bodies.slice(-2)) t.like(body, SAID);
    t.false(JSON.stringify([task, page, events]).includes('spending_cap'));
  });

test('an errand that goes on is not at the limit of the month any more', async (t) => {
  const { api, id } = await capped(t, 30);
  t.like(await api.call('retryTask', { params: { id }, body: {} }), { reason: null, capped: false });
});

test('an errand that failed at the limit of the month is told of as stopped by a limit', async (t) => {
  const { events } = await capped(t, 30);
  const end = events.findLast(({ type }) => type === 'task.status');
  t.is(end && occasionOf({ ...end, body: JSON.stringify(end.body) })?.occasion, 'limit');
});

test('a message that is taken back leaves an errand at the limit of the month as it was', async (t) => {
  const { api, id } = await capped(t, 30);
  const params = { id };
  const { message_id } = await api.call('createMessage', { params, body: { text: 'Go on.' } });
  await api.call('deleteMessage', { params: { id, message_id } });
  t.like(await api.call('getTask', { params }), { status: 'failed', ...SAID });
});
