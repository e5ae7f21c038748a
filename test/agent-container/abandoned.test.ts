import test from 'ava';
import { until } from '../support/until.ts';
import { callWorker } from '../support/worker-call.ts';
import { doing, setScene } from '../support/worker-scene.ts';

test('an attempt whose coordinator stays away ends long after its time limit, and says so', async (t) => {
  const { task, mock, start, config } = await setScene(t, { assignment: { time_limit_ms: 100 } });
  const logged: string[] = [];
  const work = doing(async () => {
    await until('everything was reported', () => task.events.some(({ type }) => type === 'repository.ready'));
    await mock.stop();
  });
  const worker = await start(work, { ...config(), abandoned_ms: 3_000 }, (_, msg, fields) => {
    logged.push(
      `${msg}: ${JSON.stringify(fields, (__, value: unknown) => (value instanceof Error ? value.message : value))}`,
    );
  });
  await callWorker(worker.address, 'POST', '/task', task.assignment());
  t.is(await worker.ended, 1);
  t.regex(logged.join('\n'), /attempt ended without a result: .*long after the time limit/);
});
