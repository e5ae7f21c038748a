import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, createServer, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { pino } from 'pino';
import { DockerLauncher } from '../../../../coordinator/workers/docker/launcher.ts';
import type { LaunchSpec } from '../../../../coordinator/workers/local/launcher.ts';
import { SocketChannel } from '../../../../coordinator/workers/local/socket-channel.ts';
import { WorkerDirectories } from '../../../../coordinator/workers/local/worker-directories.ts';
import { WorkerUnreachable } from '../../../../coordinator/workers/runner.ts';
import { readHealth } from '../../../../coordinator/workers/worker-client.ts';
import { newWorkerName } from '../../../../coordinator/workers/worker-name.ts';
import { Workspaces } from '../../../../coordinator/workers/workspaces.ts';
import { TINY_WORKER } from '../../../support/dispatching.ts';
import { buildWorkerImage, docker, dockerTest } from '../../../support/docker.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { until } from '../../../support/until.ts';

const MB = 1024 * 1024;

async function openRunner(t: ExecutionContext, image: string, docker_host?: string) {
  const data_dir = await temporaryFolder(t);
  const logger = pino({ level: 'silent' });
  const instance = newWorkerName().slice(-8);
  const runner = new DockerLauncher({ docker_host, image, instance, data_dir, logger });
  const directories = new WorkerDirectories(data_dir, runner.owner);
  const workspaces = new Workspaces(data_dir);
  t.teardown(async () => {
    for (const name of await runner.list()) await runner.remove(name);
    await runner.close();
  });
  const spec = (name = newWorkerName()): LaunchSpec => {
    const { coordinator_dir, worker_dir } = directories.make(name);
    const workspace_dir = workspaces.make(name, runner.owner);
    const limits = { memory_bytes: 256 * MB, cpus: 100, pids_max: 64 };
    return { name, image, limits, labels: {}, mounts: { coordinator_dir, worker_dir, workspace_dir } };
  };
  const start = async (): Promise<string> => {
    const fresh = spec();
    await runner.start(fresh);
    return fresh.name;
  };
  const serves = (name: string) =>
    until('the worker listens', () =>
      readHealth(new SocketChannel(name, directories.of(name).worker_dir)).catch((error: unknown) => {
        if (error instanceof WorkerUnreachable) return undefined;
        throw error;
      }),
    );
  return { runner, spec, start, serves };
}

/** Runs a script in the worker's container and returns its output. */
const inside = (name: string, script: string) => docker('exec', name, 'sh', '-c', `{ ${script}; } 2>&1 || true`);

dockerTest('a worker has no network, no capabilities, no root user and a read-only root folder', async (t) => {
  const { start, serves } = await openRunner(t, await buildWorkerImage(t, TINY_WORKER));
  const name = await start();
  await serves(name);
  t.is(await inside(name, 'ls /sys/class/net'), 'lo');
  t.is(await inside(name, 'id -u; id -g'), '1000\n1000');
  t.regex(await inside(name, 'grep -E "^Cap(Eff|Prm|Bnd|Amb)" /proc/1/status'), /^(Cap\w+:\s0{16}\n?){4}$/);
  t.is(await inside(name, 'grep NoNewPrivs /proc/1/status | tr -d "\\t"'), 'NoNewPrivs:1');
  t.regex(await inside(name, 'touch /etc/x'), /Read-only file system/);
  t.regex(await inside(name, 'touch /run/errand/coordinator/x'), /Read-only file system/);
  t.is(await inside(name, 'touch /run/errand/worker/x /workspace/x /tmp/x /workspace/home/x && echo yes'), 'yes');
  t.is(await inside(name, 'echo $ERRAND_WORKSPACE $ERRAND_SPOOL $HOME'), '/workspace /workspace/spool /workspace/home');
  t.is(
    await inside(name, 'echo $ERRAND_COORDINATOR $ERRAND_LISTEN'),
    'unix:/run/errand/coordinator/coordinator.sock unix:/run/errand/worker/worker.sock',
  );
});

dockerTest('a worker has limited memory, processes and CPUs, at most those of the machine', async (t) => {
  const { start } = await openRunner(t, await buildWorkerImage(t, TINY_WORKER));
  const name = await start();
  const format = '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.PidsLimit}} {{.HostConfig.NanoCpus}}';
  const cpus = Number(await docker('info', '--format', '{{.NCPU}}'));
  t.is(await docker('inspect', '--format', format, name), `${256 * MB} ${256 * MB} 64 ${cpus * 1e9}`);
});

dockerTest('an existing worker is adopted, running or only created', async (t) => {
  const { runner, spec, serves } = await openRunner(t, await buildWorkerImage(t, TINY_WORKER));
  const made = spec();
  await runner.start(made);
  const started = await docker('inspect', '--format', '{{.State.StartedAt}}', made.name);
  await runner.start(made);
  t.is(await docker('inspect', '--format', '{{.State.StartedAt}}', made.name), started);
  await docker('stop', '--time', '0', made.name);
  await runner.start(made);
  await serves(made.name);
  t.deepEqual(await runner.list(), [made.name]);
});

dockerTest('the end of a worker is reported while it is awaited, afterwards, and once it is removed', async (t) => {
  const { runner, start } = await openRunner(t, await buildWorkerImage(t, TINY_WORKER, { TINY_WORKER: 'exit' }));
  const name = await start();
  const end = await runner.ended(name);
  t.like(end, { exit_code: 3, out_of_memory: false });
  t.regex(end.output, /it exits at once/);
  t.deepEqual(await runner.ended(name), end);
  await runner.remove(name);
  t.deepEqual(await runner.ended(name), { exit_code: null, out_of_memory: false, output: '' });
  t.is(await docker('ps', '-aq', '--filter', `name=${name}`), '');
});

/** Passes connections on to the engine until it is stopped, and again once it is started. Stops with the test. */
async function passToEngine(t: ExecutionContext) {
  const path = join(await temporaryFolder(t), 'docker.sock');
  const open = new Set<Socket>();
  let is_stopped = false;
  let heard = '';
  const server = createServer((near) => {
    if (is_stopped) return void near.destroy();
    const far = connect('/var/run/docker.sock');
    for (const socket of [near, far]) open.add(socket.on('error', () => undefined));
    near.on('data', (bytes: Buffer) => (heard += bytes.toString('latin1')));
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const stop = () => {
    is_stopped = true;
    for (const socket of open) socket.destroy();
  };
  t.teardown(() => {
    stop();
    server.close();
  });
  return { docker_host: `unix://${path}`, stop, start: () => void (is_stopped = false), heard: () => heard };
}

dockerTest(
  'a worker that was stopped while the engine was away is lost with it, one that was killed is not',
  async (t) => {
    const image = await buildWorkerImage(t, TINY_WORKER);
    const engine = await passToEngine(t);
    const { runner, start, serves } = await openRunner(t, image, engine.docker_host);
    const [stopped, killed] = [await start(), await start()];
    await Promise.all([serves(stopped), serves(killed)]);
    const kill = runner.ended(killed);
    await until('it is awaited', () => engine.heard().includes(`${killed}/wait`));
    await docker('kill', killed);
    t.like(await kill, { exit_code: 137, engine_lost: undefined });
    const end = runner.ended(stopped);
    engine.stop();
    await docker('stop', '--time', '0', stopped);
    engine.start();
    t.like(await end, { out_of_memory: false, engine_lost: true });
    // The next start of the server finds it so.
    t.like(await runner.ended(stopped), { engine_lost: true });
  },
);

dockerTest('a worker that the engine stops just before itself is lost with it', async (t) => {
  const engine = await passToEngine(t);
  const { runner, start, serves } = await openRunner(t, await buildWorkerImage(t, TINY_WORKER), engine.docker_host);
  const name = await start();
  await serves(name);
  const end = runner.ended(name);
  await until('it is awaited', () => engine.heard().includes(`${name}/wait`));
  await docker('kill', '--signal', 'TERM', name);
  await until('its end is read', () => engine.heard().includes(`${name}/logs`));
  engine.stop();
  t.like(await end, { exit_code: 143, engine_lost: true });
  engine.start();
  // The connections that were cut are no longer used.
  await until('the engine answers again', async () => (await runner.check()) === null);
});

dockerTest('a worker that ran out of memory differs from one whose child process did', async (t) => {
  const folder = await temporaryFolder(t);
  const eat = 'const eaten = []; for (;;) eaten.push(Buffer.alloc(16 * 1024 * 1024, 1));';
  await writeFile(join(folder, 'eats.ts'), eat);
  await writeFile(
    join(folder, 'child-eats.ts'),
    `import { spawnSync } from 'node:child_process'; spawnSync('node', ['-e', ${JSON.stringify(eat)}]); process.exit(5);`,
  );
  for (const [file, expected] of [
    ['eats.ts', { exit_code: 137, out_of_memory: true }],
    ['child-eats.ts', { exit_code: 5, out_of_memory: false }],
  ] as const) {
    const { runner, start } = await openRunner(t, await buildWorkerImage(t, join(folder, file)));
    t.like(await runner.ended(await start()), expected);
  }
});

dockerTest('remove kills a worker that ignores signals, and a second removal is no error', async (t) => {
  const { runner, start, serves } = await openRunner(t, await buildWorkerImage(t, TINY_WORKER));
  const name = await start();
  await serves(name);
  const ended = runner.ended(name);
  const began = performance.now();
  await Promise.all([runner.remove(name), runner.remove(name)]);
  t.log(`it took ${Math.round(performance.now() - began)} ms`);
  await ended;
  await runner.remove(name);
  t.deepEqual(await runner.list(), []);
});

dockerTest('only containers with its own label are listed, adopted or removed', async (t) => {
  const image = await buildWorkerImage(t, TINY_WORKER);
  const mine = await openRunner(t, image);
  const other = await openRunner(t, image);
  const theirs = await other.start();
  t.deepEqual(await mine.runner.list(), []);
  const error = await t.throwsAsync(mine.runner.start(mine.spec(theirs)));
  t.regex(error.message, /Another server has a container with the name/);
  await mine.runner.remove(theirs);
  t.deepEqual(await other.runner.list(), [theirs]);
});

dockerTest('check explains why workers cannot be started', async (t) => {
  const there = await openRunner(t, await buildWorkerImage(t, TINY_WORKER));
  t.is(await there.runner.check(), null);
  const none = await openRunner(t, 'errand-test-no-such-image');
  t.regex(
    (await none.runner.check()) ?? '',
    /ERRAND_WORKER_IMAGE is 'errand-test-no-such-image', and Docker has no such image/,
  );
  const error = await t.throwsAsync(none.runner.start(none.spec()));
  t.regex(error.message, /docker pull errand-test-no-such-image/);
  const further = { ...there.spec(), image: 'errand-test-further' };
  t.is(
    (await t.throwsAsync(there.runner.start(further))).message,
    "Docker has no image 'errand-test-further': build it, or correct ERRAND_WORKER_IMAGES.",
    'the image of a project that is removed just now is not told as the default one',
  );
  t.deepEqual(await none.runner.list(), []);
  const deaf = new DockerLauncher({
    docker_host: 'unix:///run/no-such-docker.sock',
    image: 'any',
    instance: 'any',
    data_dir: '/tmp',
    logger: pino({ level: 'silent' }),
  });
  t.regex((await deaf.check()) ?? '', /Docker does not answer: it is not installed, or its engine is not running/);
  await deaf.close();
});

dockerTest('a missing live-restore is logged once', async (t) => {
  const lines: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line) => void lines.push(line) });
  const options = { docker_host: undefined, image: 'none', instance: 'none', data_dir: '/', logger };
  const runner = new DockerLauncher(options);
  t.teardown(() => runner.close());
  for (let i = 0; i < 2; i++) await runner.check();
  const kept = await docker('info', '--format', '{{.LiveRestoreEnabled}}');
  t.is(lines.filter((line) => line.includes('live-restore')).length, kept === 'true' ? 0 : 1);
});

dockerTest('a folder that the engine does not know is an error, and is not created', async (t) => {
  const { runner, spec } = await openRunner(t, await buildWorkerImage(t, TINY_WORKER));
  const made = spec();
  const wrong = { ...made, mounts: { ...made.mounts, workspace_dir: '/nowhere/at/all' } };
  const error = await t.throwsAsync(runner.start(wrong));
  t.regex(error.message, /Docker refused: .*bind source path does not exist: \/nowhere\/at\/all/);
  await runner.remove(wrong.name);
  t.deepEqual(await runner.list(), []);
});

test('calls to an engine that hangs time out', async (t) => {
  const folder = await temporaryFolder(t);
  const open = new Set<Socket>();
  const server = createServer((socket) => open.add(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(join(folder, 'docker.sock'), resolve));
  const runner = new DockerLauncher({
    docker_host: `unix://${folder}/docker.sock`,
    image: 'any',
    instance: 'any',
    data_dir: folder,
    logger: pino({ level: 'silent' }),
  });
  t.teardown(async () => {
    await runner.close();
    for (const socket of open) socket.destroy();
    server.close();
  });
  const began = performance.now();
  t.regex((await runner.check()) ?? '', /Docker does not answer/);
  t.log(`it took ${Math.round(performance.now() - began)} ms`);
  t.true(open.size > 0);
});
