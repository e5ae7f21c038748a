import test from 'ava';
import { createLogger } from '../../../coordinator/base/logger.ts';
import { DockerLauncher } from '../../../coordinator/workers/docker/launcher.ts';
import { ImageWatch } from '../../../coordinator/workers/image-watch.ts';
import type { Runner } from '../../../coordinator/workers/runner.ts';
import { Workers } from '../../../coordinator/workers/workers.ts';
import { startFakeEngine } from '../../support/fake-engine.ts';
import { temporaryFolder } from '../../support/folder.ts';

const LIMITS = { memory_bytes: 2 ** 28, cpus: 1, pids_max: 64 };
const READY = { Config: { Labels: { 'errand.contract': '1' } } };

/** Workers in containers of this engine, with these images for projects. */
async function scene(t: Parameters<typeof temporaryFolder>[0], docker_host: string, names: string[]) {
  const said: string[] = [];
  const lines: string[] = [];
  const logger = createLogger('info', { write: (line) => lines.push(line) });
  const options = { docker_host, image: 'errand-agent', instance: 'test', data_dir: await temporaryFolder(t), logger };
  const launcher = new DockerLauncher(options);
  t.teardown(() => launcher.close());
  const refuse = () => Promise.reject(new Error('No worker is started here.'));
  const runner: Runner = {
    name: 'docker',
    can_call: true,
    open: refuse,
    list: refuse,
    listLocal: () => [],
    remove: refuse,
    check: () => launcher.check(),
    checkImage: (image) => launcher.checkImage(image),
    close: () => launcher.close(),
  };
  const images = new Map(names.map((name) => [name, `errand-${name}`]));
  const workers = new Workers({ runner, image: 'errand-agent', images, limits: LIMITS });
  const watch = new ImageWatch(workers, logger, (line) => said.push(line));
  t.teardown(() => watch.stop());
  await watch.start();
  return { watch, said, lines };
}

test('an image that workers cannot have is told at the start, in the log and by readyz, and the start goes on', async (t) => {
  const { docker_host } = await startFakeEngine(t, { images: { 'errand-go': READY } });
  const { watch, said, lines } = await scene(t, docker_host, ['go', 'rust']);
  const words = "Docker has no image 'errand-rust': build it, or correct ERRAND_WORKER_IMAGES.";
  t.deepEqual(said, [`The image 'rust' of ERRAND_WORKER_IMAGES: ${words}`]);
  t.deepEqual(watch.outcome, { ok: false, detail: `rust: ${words}` });
  t.like(JSON.parse(lines[0] ?? ''), { msg: 'worker image unusable', image: 'rust', why: words });
});

test('images that workers can have are only counted, and a server without further images says nothing', async (t) => {
  const { docker_host, calls } = await startFakeEngine(t, { images: { 'errand-go': READY, 'errand-rust': READY } });
  const both = await scene(t, docker_host, ['go', 'rust']);
  t.deepEqual([both.said, both.lines], [[], []]);
  t.deepEqual(both.watch.outcome, { ok: true, detail: '2 beside the default' });
  const before = calls.length;
  const none = await scene(t, docker_host, []);
  t.is(none.watch.outcome, undefined);
  t.is(calls.length, before);
});

test('an image of which the engine tells nothing hides no other one', async (t) => {
  const { docker_host } = await startFakeEngine(t, { images: { 'errand-go': { Config: 'damaged' } } });
  const { watch } = await scene(t, docker_host, ['go', 'rust']);
  t.like(watch.outcome, {
    ok: false,
    detail: "rust: Docker has no image 'errand-rust': build it, or correct ERRAND_WORKER_IMAGES.",
  });
});

test('an engine that does not answer is not taken for one without the images', async (t) => {
  const { watch, said } = await scene(t, 'unix:///nonexistent/docker.sock', ['go']);
  t.deepEqual(said, []);
  t.deepEqual(watch.outcome, { ok: true, detail: '1 beside the default' });
});
