import test, { type ExecutionContext } from 'ava';
import { insertProject } from '../../../coordinator/sqlite/projects.ts';
import { sql } from '../../../coordinator/sqlite/database.ts';
import type { Launcher, LaunchSpec } from '../../../coordinator/workers/local/launcher.ts';
import { ProcessLauncher } from '../../../coordinator/workers/process/launcher.ts';
import type { ImageState } from '../../../coordinator/workers/runner.ts';
import { addTask, addUser, startServer, TINY_WORKER, type Server } from '../../support/dispatching.ts';
import { projectRow } from '../../support/project-row.ts';
import { until } from '../../support/until.ts';

const IMAGES = new Map([
  ['rust', 'errand-rust:latest'],
  ['gone', 'errand-gone'],
  ['slow', 'errand-slow'],
]);

/** A server whose workers are processes, and whose launcher knows of images: it notes which one each worker has. */
async function startWithImages(t: ExecutionContext, options: { warm_workers?: number } = {}) {
  const started: string[] = [];
  const asked: string[] = [];
  class WithImages extends ProcessLauncher {
    override start(spec: LaunchSpec): Promise<void> {
      started.push(spec.image);
      return super.start(spec);
    }

    checkImage(image: string): Promise<ImageState> {
      asked.push(image);
      if (image === 'errand-slow') return Promise.reject(new Error('no response within 5 s'));
      const words = 'Docker has no such image.';
      return Promise.resolve(image === 'errand-gone' ? { kind: 'unusable', words } : { kind: 'ready' });
    }
  }
  const env = { PATH: process.env.PATH ?? '' };
  const launcher = (workers_dir: string): Launcher =>
    new WithImages({ workers_dir, program: { entry: TINY_WORKER }, env });
  const server = await startServer(t, { ...options, image: 'errand-agent', images: IMAGES, launcher });
  return { server, started, asked };
}

/** Adds a task of a project with this image. */
function send({ db, log, dispatcher }: Server, image: string | null, prompt = 'finish') {
  const project = projectRow(addUser(db), { image });
  log.write((tx) => insertProject(tx.db, project));
  const task = addTask(db, project.user_id, { project_id: project.id, prompt });
  dispatcher.wake();
  return task;
}

test.serial(
  'the worker of an errand has the image of its project, and the attempt and its event name it',
  async (t) => {
    const { server, started, asked } = await startWithImages(t);
    const { id } = send(server, 'rust');
    await server.reaches(id, 'succeeded');
    t.deepEqual(started, ['errand-rust:latest']);
    t.is(server.attempts(id)[0]?.image, 'rust');
    const bodyOf = (task_id: string) =>
      sql<{ body: string }>(server.db, `SELECT body FROM events WHERE task_id = ? AND type = 'attempt.started'`).get(
        task_id,
      )?.body;
    t.is(JSON.parse(bodyOf(id) ?? '').image, 'rust');
    const { id: plain } = send(server, null);
    await server.reaches(plain, 'succeeded');
    t.deepEqual(started, ['errand-rust:latest', 'errand-agent']);
    t.is(server.attempts(plain)[0]?.image, null);
    t.false('image' in JSON.parse(bodyOf(plain) ?? ''));
    t.deepEqual(asked, ['errand-rust:latest'], 'the default has a check of its own');
  },
);

test.serial(
  'the worker that is kept ready has the default image, and goes to no project with another one',
  async (t) => {
    const { server, started } = await startWithImages(t, { warm_workers: 1 });
    await until('a worker waits', () => server.dispatcher.workers.warm === 1);
    const { id } = send(server, 'rust');
    await server.reaches(id, 'succeeded');
    t.like(server.attempts(id)[0], { warm: false, image: 'rust' });
    t.is(server.dispatcher.workers.warm, 1);
    const { id: plain } = send(server, null);
    await server.reaches(plain, 'succeeded');
    t.like(server.attempts(plain)[0], { warm: true, image: null });
    t.deepEqual(started.slice(0, 2), ['errand-agent', 'errand-rust:latest']);
  },
);

for (const [name, why] of [
  ['gone', "The image 'gone' of the project cannot be used. Docker has no such image."],
  [
    'python',
    "The image 'python' of the project cannot be used. This server does not offer it any more: choose another one in the project.",
  ],
] as const)
  test.serial(
    `an errand whose image ${name} no worker can have fails at once with the reason, and holds up no other`,
    async (t) => {
      const { server, started } = await startWithImages(t);
      for (let n = 0; n < 3; n++) {
        const { id } = send(server, name);
        t.like(await server.reaches(id, 'failed'), { reason: 'worker_start_failed', detail: why });
        t.is(server.attempts(id).length, 1);
      }
      t.is(server.dispatcher.start_fault, null);
      const { id } = send(server, 'rust');
      await server.reaches(id, 'succeeded');
      t.deepEqual(started, ['errand-rust:latest']);
    },
  );

test.serial('an engine that is too slow to tell of an image does not fail the errand', async (t) => {
  const { server, started } = await startWithImages(t);
  const { id } = send(server, 'slow');
  await server.reaches(id, 'succeeded');
  t.is(server.attempts(id).length, 1);
  t.deepEqual(started, ['errand-slow']);
});

test.serial('a later attempt has the image that the project has by then', async (t) => {
  const { server, started } = await startWithImages(t);
  const { id, project_id } = send(server, 'rust', 'die-once');
  await until('the first attempt ended', () => server.attempts(id)[0]?.ended_at);
  server.db.prepare('UPDATE projects SET image = NULL WHERE id = ?').run(project_id);
  await server.reaches(id, 'succeeded');
  t.deepEqual(
    server.attempts(id).map(({ image }) => image),
    ['rust', null],
  );
  t.deepEqual(started, ['errand-rust:latest', 'errand-agent']);
});
