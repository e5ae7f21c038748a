import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { chooseRunner } from '../../../../coordinator/workers/choice/choose-runner.ts';
import { ConfigError, readConfig } from '../../../../coordinator/base/config.ts';
import { createLogger } from '../../../../coordinator/base/logger.ts';
import { CoordinatorProcess } from '../../../support/coordinator-process.ts';
import { docker, dockerTest, whyNot } from '../../../support/docker.ts';
import { Trash } from '../../../../coordinator/workers/trash.ts';
import { Workspaces } from '../../../../coordinator/workers/workspaces.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { startFakeEngine } from '../../../support/fake-engine.ts';

const KEY = { ANTHROPIC_API_KEY: 'sk-x' };
const NO_ENGINE = { DOCKER_HOST: 'unix:///nonexistent/docker.sock' };
const BUILD_FAILS = { build: [{ stream: 'Step 1/9 : FROM node' }, { error: 'pull access denied' }] };
const BUILD_SUCCEEDS = { build: [{ stream: 'Successfully built' }] };

/** Chooses a runner by these settings. Returns its kind or the refusal, and the lines that were printed. */
async function choose(t: ExecutionContext, env: Record<string, string>) {
  const said: string[] = [];
  const data_dir = await temporaryFolder(t);
  const config = readConfig({ ...env, ERRAND_DATA: data_dir });
  const logger = createLogger('silent');
  const say = (line: string) => void said.push(line);
  const workspaces = new Workspaces(data_dir);
  const refuse = () => Promise.reject(new Error('No worker is started here.'));
  const listeners = { listenOnSocket: refuse, listenOnTcp: refuse };
  const chosen = await chooseRunner({
    config,
    instance: 'test',
    workspaces,
    listeners,
    trash: new Trash(data_dir),
    logger,
    say,
  }).catch((error: unknown) => {
    if (error instanceof ConfigError) return error;
    throw error;
  });
  if (chosen instanceof ConfigError) return { refusal: chosen.message, said: said.join('\n') };
  await chosen.close();
  return { kind: chosen.name, said: said.join('\n') };
}

/** A socket without a listener, as a killed engine leaves it. */
async function deadSocket(t: ExecutionContext): Promise<string> {
  const path = join(await temporaryFolder(t), 'docker.sock');
  const child = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  await once(spawn(process.execPath, ['-e', child]), 'exit');
  return path;
}

const WAYS_OUT = /Make Docker work, or set ERRAND_RUNNER=process if you want no isolation/;

test('without Docker a trial uses processes, with a warning that they are not isolated', async (t) => {
  const { kind, said } = await choose(t, NO_ENGINE);
  t.is(kind, 'process');
  t.regex(
    said,
    /Docker does not answer: it is not installed, or its engine is not running \(there is no \/nonexistent/,
  );
  t.regex(said, /WARNING: workers run as plain processes of this machine, without isolation/);
});

for (const [env, why] of [
  [KEY, /an API key is set/],
  [{ CLAUDE_API_KEY: 'sk-x' }, /an API key is set/],
  [{ HOST: '0.0.0.0' }, /HOST=0\.0\.0\.0 lets others in/],
  [{ ERRAND_TRUST_PROXY: 'true' }, /ERRAND_TRUST_PROXY=true/],
  [{ ERRAND_WORKER_IMAGES: 'go=errand-go' }, /ERRAND_WORKER_IMAGES names images of containers/],
] as const)
  test(`without Docker, a server with ${Object.keys(env).join()} is refused with the reason`, async (t) => {
    const { refusal = '' } = await choose(t, { ...NO_ENGINE, ...env });
    t.regex(refusal, /it is not installed/);
    t.regex(refusal, why);
    t.regex(refusal, WAYS_OUT);
  });

for (const runner of ['docker', ''])
  test(`a worker command is refused with ERRAND_RUNNER='${runner}', which would not use it`, (t) => {
    const env = { ERRAND_RUNNER: runner, ERRAND_WORKER_COMMAND: 'python3 worker.py' };
    t.throws(() => readConfig(env), {
      instanceOf: ConfigError,
      message: /ERRAND_WORKER_COMMAND needs ERRAND_RUNNER=process/,
    });
    t.is(readConfig({ ...env, ERRAND_RUNNER: 'process' }).worker_command, 'python3 worker.py');
  });

test('a dead engine is refused, even for a trial', async (t) => {
  const { refusal = '' } = await choose(t, { DOCKER_HOST: `unix://${await deadSocket(t)}` });
  t.regex(
    refusal,
    /its engine is not running \(nothing listens on .*docker\.sock\)\. Start it: sudo systemctl start docker/,
  );
  t.regex(refusal, WAYS_OUT);
});

test('an engine at a TCP address that does not respond is refused, even for a trial', async (t) => {
  const { refusal = '' } = await choose(t, { DOCKER_HOST: 'tcp://127.0.0.1:1' });
  t.regex(refusal, /Docker does not answer at 127\.0\.0\.1:1 .*is DOCKER_HOST right\?/);
  t.regex(refusal, WAYS_OUT);
});

test('a broken engine is refused, even for a trial', async (t) => {
  const { docker_host } = await startFakeEngine(t, { broken: true });
  const { refusal = '' } = await choose(t, { DOCKER_HOST: docker_host });
  t.regex(refusal, /Docker refused: .*the storage driver failed/);
  t.regex(refusal, WAYS_OUT);
});

test('an image that speaks another version of the worker contract is refused, or named where Docker was asked for', async (t) => {
  const { docker_host } = await startFakeEngine(t, { has_image: true, labels: { 'errand.contract': '9' } });
  const { refusal = '' } = await choose(t, { DOCKER_HOST: docker_host });
  t.regex(refusal, /version 9 of the worker contract, and this server speaks version 1: upgrade the server\./);
  t.regex(refusal, WAYS_OUT);
  const asked = await choose(t, { DOCKER_HOST: docker_host, ERRAND_RUNNER: 'docker' });
  t.is(asked.kind, 'docker');
  t.regex(asked.said, /Workers cannot be started yet: The worker speaks version 9/);
});

test('a DOCKER_HOST of an unsupported form is refused with the right form', async (t) => {
  for (const env of [{}, { ERRAND_RUNNER: 'docker' }]) {
    const { refusal = '' } = await choose(t, { ...env, DOCKER_HOST: 'ssh://me@host' });
    t.regex(refusal, /DOCKER_HOST is 'ssh:\/\/me@host'\. Its form must be/);
  }
});

for (const [title, options, words] of [
  ['fails', BUILD_FAILS, /errand-agent could not be built: pull access denied/],
  ['is refused by the engine', {}, /errand-agent could not be built: .*no room on the disk/],
] as const)
  test(`a build of the worker image that ${title} is refused, even for a trial`, async (t) => {
    const { docker_host, calls } = await startFakeEngine(t, options);
    const { refusal = '' } = await choose(t, { DOCKER_HOST: docker_host });
    t.true(calls.includes('POST /build'));
    t.regex(refusal, words);
    t.regex(refusal, /npm run image/);
    t.regex(refusal, WAYS_OUT);
  });

for (const image of ['errand-agent', 'errand-agent:latest'])
  test(`a missing image ${image} is built from this checkout`, async (t) => {
    const { docker_host, calls } = await startFakeEngine(t, BUILD_SUCCEEDS);
    const { kind, said } = await choose(t, { DOCKER_HOST: docker_host, ERRAND_WORKER_IMAGE: image });
    t.is(kind, 'docker');
    t.true(calls.includes('POST /build'));
    t.regex(said, /is missing\. It is built now/);
  });

test("Errand's own image of an older worker contract is built again, and another one is refused", async (t) => {
  const old = { has_image: true, labels: { 'errand.contract': '0' }, ...BUILD_SUCCEEDS };
  const own = await startFakeEngine(t, old);
  const { kind, said } = await choose(t, { DOCKER_HOST: own.docker_host });
  t.is(kind, 'docker');
  t.true(own.calls.includes('POST /build'));
  t.regex(said, /is too old\. It is built now/);
  const other = await startFakeEngine(t, old);
  const { refusal = '' } = await choose(t, { DOCKER_HOST: other.docker_host, ERRAND_WORKER_IMAGE: 'mine' });
  t.false(other.calls.includes('POST /build'));
  t.regex(refusal, /version 0 of the worker contract.*: rebuild the worker image\.\n/);
  t.notRegex(refusal, /npm run image/);
});

test('the image is built with the proxy of the settings, which apt reads by its small name', async (t) => {
  const engine = await startFakeEngine(t, BUILD_SUCCEEDS);
  const env = { DOCKER_HOST: engine.docker_host, HTTP_PROXY: 'http://proxy.test:3128', NO_PROXY: '.test' };
  t.is((await choose(t, env)).kind, 'docker');
  const args = { HTTP_PROXY: env.HTTP_PROXY, http_proxy: env.HTTP_PROXY, NO_PROXY: '.test', no_proxy: '.test' };
  t.deepEqual(engine.build_args, [args]);
});

for (const image of ['errand-agnet', 'errand-agent:v2', 'example.org/errand-agent', 'errand-agent@sha256:0'])
  test(`a missing image ${image} is refused, and not built as Errand's own`, async (t) => {
    const { docker_host, calls } = await startFakeEngine(t, BUILD_SUCCEEDS);
    const { refusal = '' } = await choose(t, { DOCKER_HOST: docker_host, ERRAND_WORKER_IMAGE: image });
    t.false(calls.includes('POST /build'));
    t.true(refusal.includes(`ERRAND_WORKER_IMAGE is '${image}', and Docker has no such image`), refusal);
    t.true(refusal.includes(`docker pull ${image}`));
    t.regex(refusal, /npm run image/);
  });

dockerTest('a mistyped image is refused by a real engine too, and not built', async (t) => {
  const image = 'errand-test-mistyped';
  const { refusal = '' } = await choose(t, { ERRAND_WORKER_IMAGE: image });
  t.regex(refusal, /ERRAND_WORKER_IMAGE is 'errand-test-mistyped', and Docker has no such image/);
  t.is(await whyNot(image), `there is no image ${image}`);
  t.is(await docker('images', '--quiet', image), '');
});

for (const [title, start] of [
  ['an unreachable engine', async () => NO_ENGINE],
  ['a failed build', async (t) => ({ DOCKER_HOST: (await startFakeEngine(t, BUILD_FAILS)).docker_host })],
  [
    'a missing image',
    async (t) => ({ DOCKER_HOST: (await startFakeEngine(t)).docker_host, ERRAND_WORKER_IMAGE: 'mine' }),
  ],
] as [string, (t: ExecutionContext) => Promise<Record<string, string>>][])
  test(`with ERRAND_RUNNER=docker the server starts with ${title}, and prints that errands wait`, async (t) => {
    const { kind, said } = await choose(t, { ...KEY, HOST: '0.0.0.0', ERRAND_RUNNER: 'docker', ...(await start(t)) });
    t.is(kind, 'docker');
    t.regex(said, /Workers cannot be started yet: .+\nErrands wait in the queue until they can\.$/s);
  });

test('with ERRAND_RUNNER=process Docker is not called, and the risk is printed', async (t) => {
  const { docker_host, calls } = await startFakeEngine(t, { has_image: true });
  const env = { DOCKER_HOST: docker_host, ERRAND_RUNNER: 'process' };
  const trial = await choose(t, env);
  t.is(trial.kind, 'process');
  t.regex(trial.said, /^WARNING: .* without isolation/);
  t.notRegex(trial.said, /trials only/);
  const exposed = await choose(t, { ...env, ...KEY, HOST: '0.0.0.0' });
  t.is(exposed.kind, 'process');
  t.regex(exposed.said, /for trials only\. Here an API key is set; HOST=0\.0\.0\.0 lets others in: use Docker/);
  t.deepEqual(calls, []);
});

test('a user who may not use the Docker socket gets an error that says how to join its group, and the server does not start', async (t) => {
  const path = join(await temporaryFolder(t), 'docker.sock');
  const engine = createServer().listen(path);
  t.teardown(() => engine.close());
  await once(engine, 'listening');
  await chmod(path, 0);
  // Root may do anything, except without this capability.
  const under = process.getuid?.() === 0 ? ['setpriv', '--bounding-set', '-dac_override'] : [];
  const env = { DOCKER_HOST: `unix://${path}` };
  const coordinator = CoordinatorProcess.spawn(await temporaryFolder(t), env, undefined, under);
  t.teardown(() => coordinator.kill());
  const { code, stdout, stderr } = await coordinator.ended;
  t.deepEqual([code, stdout], [1, '']);
  t.regex(stderr, /permission denied on .*docker\.sock/);
  t.regex(stderr, /sudo usermod -aG docker \$USER.*log in again/);
  t.regex(stderr, WAYS_OUT);
  t.notRegex(stderr, /^ +at /m);
});
