import test from 'ava';
import { Scheduler } from '../../../coordinator/schedules/scheduler.ts';
import { endTask, runTask } from '../../support/fixtures.ts';
import { notifyScene } from '../../support/notifications/scene.ts';
import { DEFAULTS, NIGHTLY } from '../../support/schedules/scene.ts';
import { SILENT } from '../../support/silent.ts';
import { until } from '../../support/until.ts';

test('a schedule that pauses after three failures tells its person once that it needs them, and where', async (t) => {
  const { server, api, device } = await notifyScene(t);
  const { subscription } = await device(api, { occasions: ['needs_you'] });
  const { id } = await api.call('createSchedule', { body: NIGHTLY });
  const params = { id };
  const clock = { now: 0 };
  const scheduler = new Scheduler({ log: server.log, defaults: DEFAULTS, logger: SILENT, now: () => clock.now });
  scheduler.start();
  t.teardown(() => scheduler.stop());
  let last = '';
  for (let failures = 1; failures <= 3; failures++) {
    const { next_at } = await api.call('getSchedule', { params });
    clock.now = Date.parse(next_at);
    await scheduler.handleDue(new AbortController().signal);
    last = (await api.call('getSchedule', { params })).last_run?.task_id ?? '';
    runTask(server.log, last);
    endTask(server.log, last, 'failed');
    await until('it is counted', async () => (await api.call('getSchedule', { params })).failures === failures);
  }
  await until('the device is told', () => subscription.messages.length > 0);
  t.is(subscription.messages.length, 1);
  t.like(subscription.messages[0], {
    body: 'Needs you: The schedule "Nightly" is paused: its last 3 errands failed.',
    data: { occasion: 'needs_you', task_id: last },
  });
});
