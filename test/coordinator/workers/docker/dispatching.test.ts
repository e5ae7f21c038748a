import type { ExecutionContext } from 'ava';
import { pino } from 'pino';
import { DockerLauncher } from '../../../../coordinator/workers/docker/launcher.ts';
import { readMeta } from '../../../../coordinator/sqlite/meta.ts';
import {
  addTask,
  addUser,
  startServer,
  TINY_WORKER,
  type Server,
  type ServerOptions,
} from '../../../support/dispatching.ts';
import { buildWorkerImage, docker, dockerTest } from '../../../support/docker.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { assertWorkspaceLimit, WORKSPACE_BYTES_MAX } from '../../../support/workspace-limit.ts';
import { until } from '../../../support/until.ts';

async function startDockerServer(
  t: ExecutionContext,
  options: ServerOptions & { image?: string } = {},
): Promise<Server> {
  const image = options.image ?? (await buildWorkerImage(t, TINY_WORKER));
  const data_dir = options.data_dir ?? (await temporaryFolder(t));
  const logger = pino({ level: 'silent' });
  return startServer(t, {
    ...options,
    data_dir,
    image,
    launcher: (_workers_dir, db) =>
      new DockerLauncher({ docker_host: undefined, image, instance: readMeta(db, 'instance'), data_dir, logger }),
  });
}

const isIdle = ({ dispatcher }: Server) => until('no worker is at work', () => dispatcher.workers.at_work === 0);

dockerTest('tasks run in warm and new containers, and no container is left', async (t) => {
  const server = await startDockerServer(t, { warm_workers: 1 });
  await until('a worker waits', () => server.dispatcher.workers.warm === 1);
  const user = addUser(server.db);
  const tasks = [addTask(server.db, user), addTask(server.db, user)];
  server.dispatcher.wake();
  for (const { id } of tasks) await server.reaches(id, 'succeeded');
  t.is(tasks.filter(({ id }) => server.attempts(id)[0]?.warm).length, 1);
  await isIdle(server);
  await server.stop();
  t.deepEqual(await server.runner.list(), []);
});

dockerTest('a container that does not respond to a cancel is killed', async (t) => {
  const server = await startDockerServer(t);
  const task = await server.runTask('hold-on');
  const start = performance.now();
  server.cancel(task.id);
  await until('the container is gone', async () => (await server.runner.list()).length === 0);
  t.log(`it took ${Math.round(performance.now() - start)} ms`);
  t.is(server.task(task.id).status, 'cancelled');
});

dockerTest('out of memory is reported as the reason, and the task is retried', async (t) => {
  const server = await startDockerServer(t, { memory_bytes: 128 * 1024 * 1024 });
  const task = addTask(server.db, addUser(server.db), { prompt: 'eat' });
  server.dispatcher.wake();
  await until('the attempt ended', () => server.attempts(task.id)[0]?.ended_at);
  t.like(server.attempts(task.id)[0], { status: 'failed', reason: 'out_of_memory' });
  t.is(server.task(task.id).status, 'queued');
  await isIdle(server);
});

dockerTest('only the task whose container fills its workspace fails, and the workspace is removed', async (t) => {
  await assertWorkspaceLimit(t, await startDockerServer(t, { workspace_bytes_max: WORKSPACE_BYTES_MAX }));
});

dockerTest('containers outlive the server: running ones are adopted, warm ones are removed', async (t) => {
  const image = await buildWorkerImage(t, TINY_WORKER);
  const data_dir = await temporaryFolder(t);
  const first = await startDockerServer(t, { image, data_dir });
  const task = await first.runTask('stay');
  const name = first.attempts(task.id)[0]?.worker ?? '';
  await first.stop();
  // An orphaned worker, as a crash leaves it.
  const label = `errand.instance=${readMeta(first.db, 'instance')}`;
  await docker('run', '--detach', '--name', `${name}-x`, '--label', label, '--network', 'none', image);
  const second = await startDockerServer(t, { image, data_dir });
  await until('the orphan is gone', async () => (await second.runner.list()).length === 1);
  t.deepEqual(await second.runner.list(), [name]);
  t.is(await docker('inspect', '--format', '{{.State.Running}}', name), 'true');
  second.cancel(task.id);
  await second.reaches(task.id, 'cancelled');
  t.deepEqual(second.ended, []);
});
