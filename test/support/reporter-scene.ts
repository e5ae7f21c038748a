import type { ExecutionContext } from 'ava';
import { join } from 'node:path';
import { CoordinatorClient } from '../../agent-container/reporting/coordinator-client.ts';
import { Reporter } from '../../agent-container/reporting/reporter.ts';
import { Spool } from '../../agent-container/reporting/spool.ts';
import type { Assignment, Control } from '../../protocol/worker-schemas.ts';
import { memoryFolder } from './folder.ts';
import { MockCoordinator } from './mock-coordinator/mock.ts';

/** A reporter of a task that a mock coordinator holds, until the test ends. */
export async function setReporterScene(t: ExecutionContext, given: Partial<Assignment> = {}) {
  const folder = await memoryFolder(t);
  const mock = new MockCoordinator({ socket_path: join(folder, 'coordinator.sock') });
  await mock.start();
  const task = mock.addTask(given);
  const client = new CoordinatorClient(
    { origin: 'http://coordinator', socket_path: join(folder, 'coordinator.sock') },
    task.id,
    task.token,
  );
  const spool = new Spool(join(folder, 'spool'), task.base.spool_bytes_max);
  const controls: Control[] = [];
  const lost: unknown[] = [];
  const reporter = new Reporter({
    client,
    spool,
    attempt: 1,
    heartbeat_ms: task.base.heartbeat_ms,
    onControl: (control) => controls.push(control),
    onLost: (error) => lost.push(error),
  });
  reporter.start();
  t.teardown(async () => {
    await reporter.stop();
    await client.close();
    await mock.stop();
  });
  const posts = () => mock.calls.filter(({ name }) => name === 'events').length;
  const texts = () => task.events.flatMap((event) => (event.type === 'log' ? [event.body.text] : []));
  return { mock, task, client, spool, reporter, controls, lost, posts, texts };
}
