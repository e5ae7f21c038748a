import test, { type ExecutionContext } from 'ava';
import { Scheduler } from '../../../coordinator/schedules/scheduler.ts';
import { WebhookBody } from '../../../protocol/notifications.ts';
import { endTask, runTask } from '../../support/fixtures.ts';
import { notifyScene, PUBLIC_URL } from '../../support/notifications/scene.ts';
import { DEFAULTS, NIGHTLY } from '../../support/schedules/scene.ts';
import { SILENT } from '../../support/silent.ts';
import { until } from '../../support/until.ts';

/** A schedule, and a device that is told what needs its person. `pass` lets the next due time come. */
async function setScene(t: ExecutionContext) {
  const scene = await notifyScene(t);
  const { server, api, device } = scene;
  const { subscription } = await device(api, { occasions: ['needs_you'] });
  const { id } = await api.call('createSchedule', { body: NIGHTLY });
  const params = { id };
  const clock = { now: Date.now() };
  const scheduler = new Scheduler({
    log: server.log,
    defaults: DEFAULTS,
    logger: SILENT,
    now: () => clock.now,
    onStored: () => server.notifications.wake(),
  });
  scheduler.start();
  t.teardown(() => scheduler.stop());
  const seen = () => api.call('getSchedule', { params });
  const pass = async () => {
    clock.now = Date.parse((await seen()).next_at);
    await scheduler.handleDue(new AbortController().signal);
    return seen();
  };
  return { ...scene, id, params, subscription, seen, pass };
}

test('a schedule that pauses after three failures tells its person once that it needs them, and where', async (t) => {
  const { server, id, subscription, seen, pass } = await setScene(t);
  for (let failures = 1; failures <= 3; failures++) {
    const task_id = (await pass()).last_run?.task_id ?? '';
    runTask(server.log, task_id);
    endTask(server.log, task_id, 'failed');
    await until('it is counted', async () => (await seen()).failures === failures);
  }
  await until('the device is told', () => subscription.messages.length > 0);
  await pass();
  t.is(subscription.messages.length, 1);
  t.like(subscription.messages[0], {
    title: 'Nightly',
    body: 'Needs you: The schedule "Nightly" is paused: its last 3 runs failed.',
    navigate: `${PUBLIC_URL}/settings/schedules/${id}`,
    tag: `schedule-${id}`,
    data: { occasion: 'needs_you', task_id: null },
  });
});

test('a schedule whose starts are refused before it has an errand says so when it pauses, and why', async (t) => {
  const { server, receiver, api, id, params, subscription, seen, pass } = await setScene(t);
  await api.call('createChannel', { body: { kind: 'webhook', name: 'Bot', url: `${receiver.url}/hook` } });
  server.db.prepare('UPDATE schedules SET budget_usd = 5000').run();
  for (let n = 0; n < 3; n++) await pass();
  t.is((await seen()).paused, 'failures');
  await until('the device is told', () => subscription.messages.length === 1);
  const [message] = subscription.messages;
  t.regex(message?.body ?? '', /paused: its last 3 runs failed\. The newest was refused: .*budget/);
  const hooks = () => receiver.received.filter(({ path }) => path === '/hook');
  await until('the webhook is told', () => hooks().length === 1);
  const { data } = WebhookBody.parse(JSON.parse(String(hooks()[0]?.body)));
  t.like(data, { task_id: null, schedule_id: id, title: 'Nightly', url: message?.navigate });

  await api.call('patchSchedule', { params, body: { enabled: true } });
  for (let n = 0; n < 3; n++) await pass();
  await until('it is told when it pauses again', () => subscription.messages.length === 2);
  await api.call('deleteSchedule', { params });
  t.is(server.db.prepare('SELECT count(*) FROM notifications').pluck().get(), 0);
});

test('a schedule whose project is gone tells its person that it is paused', async (t) => {
  const { server, subscription, pass } = await setScene(t);
  server.db.prepare('UPDATE schedules SET repo_url = NULL').run();
  t.is((await pass()).paused, 'project_gone');
  await until('the device is told', () => subscription.messages.length > 0);
  t.is(subscription.messages[0]?.body, 'Needs you: The schedule "Nightly" is paused: its project is gone.');
});
