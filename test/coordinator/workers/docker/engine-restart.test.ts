import test, { type ExecutionContext } from 'ava';
import { DockerLauncher } from '../../../../coordinator/workers/docker/launcher.ts';
import { startFakeEngine } from '../../../support/fake-engine.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { SILENT } from '../../../support/silent.ts';
import { until } from '../../../support/until.ts';

const WAIT = 'POST /containers/worker/wait';

/** A worker that is awaited. */
async function awaitWorker(t: ExecutionContext) {
  const engine = await startFakeEngine(t);
  const { docker_host } = engine;
  const data_dir = await temporaryFolder(t);
  const launcher = new DockerLauncher({ docker_host, image: 'a', instance: 'a', data_dir, logger: SILENT });
  t.teardown(() => launcher.close());
  engine.run('worker');
  const ended = launcher.ended('worker');
  await until('it is awaited', () => engine.calls.includes(WAIT));
  return { engine, launcher, ended };
}

test('a worker that the engine stops is lost with it, where systemd keeps the socket for the next engine', async (t) => {
  const { engine, ended } = await awaitWorker(t);
  engine.beginStop();
  engine.exit('worker', 143);
  await until('its end is asked for', () => engine.waiting() > 0);
  engine.startAgain();
  t.like(await ended, { exit_code: 143, engine_lost: true });
});

test('a worker that is killed is not lost with an engine that has read its settings again', async (t) => {
  const { engine, ended } = await awaitWorker(t);
  engine.reload();
  engine.exit('worker', 137);
  t.like(await ended, { exit_code: 137, engine_lost: undefined });
});

test('a worker that is killed is not lost with an engine whose watch alone was cut', async (t) => {
  const { engine, ended } = await awaitWorker(t);
  engine.cutWatch();
  await until('the worker is awaited again', () => engine.calls.filter((call) => call === WAIT).length === 2);
  engine.exit('worker', 137);
  t.like(await ended, { exit_code: 137, engine_lost: undefined });
});

test('a launcher that is closed tells of no end, also not of one that it has seen', async (t) => {
  const { engine, launcher, ended } = await awaitWorker(t);
  engine.exit('worker', 143);
  await until('its end is read', () => engine.calls.includes('GET /containers/worker/logs'));
  await launcher.close();
  await until('the engine is watched no more', () => !engine.is_watched());
  t.is(await Promise.race([ended, Promise.resolve('nothing')]), 'nothing');
});
