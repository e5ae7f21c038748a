import { pino } from 'pino';
import { insertProject } from '../../../../coordinator/sqlite/projects.ts';
import { readMeta } from '../../../../coordinator/sqlite/meta.ts';
import { DockerLauncher } from '../../../../coordinator/workers/docker/launcher.ts';
import { addTask, addUser, startServer, TINY_WORKER } from '../../../support/dispatching.ts';
import { buildImageFrom, buildWorkerImage, docker, dockerTest } from '../../../support/docker.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { projectRow } from '../../../support/project-row.ts';
import { until } from '../../../support/until.ts';

dockerTest('two projects run at once on two images, and one whose image is removed fails alone', async (t) => {
  const image = await buildWorkerImage(t, TINY_WORKER);
  const marked = await buildImageFrom(t, image, ['RUN touch /marker']);
  const data_dir = await temporaryFolder(t);
  const logger = pino({ level: 'silent' });
  const images = new Map([
    ['marked', `${marked}:latest`],
    ['gone', `${image}-gone`],
  ]);
  const server = await startServer(t, {
    data_dir,
    image,
    images,
    launcher: (_workers_dir, db) =>
      new DockerLauncher({ docker_host: undefined, image, instance: readMeta(db, 'instance'), data_dir, logger }),
  });
  const { db, log, dispatcher } = server;
  const send = (of: string | null, prompt: string) => {
    const project = projectRow(addUser(db), { image: of });
    log.write((tx) => insertProject(tx.db, project));
    const { id } = addTask(db, project.user_id, { project_id: project.id, prompt });
    dispatcher.wake();
    return id;
  };
  const [plain, other] = [send(null, 'stay'), send('marked', 'stay')];
  for (const id of [plain, other]) await server.reaches(id, 'running', 20_000);
  const hasMarker = (id: string) =>
    docker('exec', server.attempts(id)[0]?.worker ?? '', 'ls', '/marker').then(
      () => true,
      () => false,
    );
  t.deepEqual([await hasMarker(plain), await hasMarker(other)], [false, true]);
  const nameOf = (id: string) =>
    docker('inspect', '--format', '{{.Config.Image}}', server.attempts(id)[0]?.worker ?? '');
  t.is(await nameOf(other), `${marked}:latest`);
  for (const id of [plain, other]) server.cancel(id);
  for (const id of [plain, other]) await server.reaches(id, 'cancelled');
  const failed = await server.reaches(send('gone', 'finish'), 'failed');
  t.is(
    failed.detail,
    `The image 'gone' of the project cannot be used. Docker has no image '${image}-gone': build it, or correct ERRAND_WORKER_IMAGES.`,
  );
  await until('no worker is at work', () => dispatcher.workers.at_work === 0);
});
