import { join } from 'node:path';

import { writeFileSync } from 'node:fs';
import test from 'ava';
import { Canary } from '../../../../coordinator/workers/docker/canary-script.ts';
import { tryIsolation } from '../../../../coordinator/workers/docker/canary.ts';
import { openEngine } from '../../../../coordinator/workers/docker/engine.ts';
import { containerOptions, type ContainerOptions } from '../../../../coordinator/workers/docker/options.ts';
import { WorkerDirectories } from '../../../../coordinator/workers/local/worker-directories.ts';
import { newWorkerName } from '../../../../coordinator/workers/worker-name.ts';
import { BASE_IMAGE, buildImage, dockerTest } from '../../../support/docker.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import type { ExecutionContext } from 'ava';

const owner = { uid: 1000, gid: 1000 };
type Host = Record<string, unknown>;

/** What a canary finds in a container with the options of a worker, and these. */
async function findIn(
  t: ExecutionContext,
  host: Host,
  own: Partial<ContainerOptions> = {},
  image_with_node = BASE_IMAGE,
) {
  const data_dir = await temporaryFolder(t);
  const directories = new WorkerDirectories(data_dir, owner);
  const name = newWorkerName();
  const { coordinator_dir, worker_dir } = directories.make(name);
  const other = join(directories.make(newWorkerName()).worker_dir, 'secret');
  writeFileSync(other, 'of another worker');
  const limits = { memory_bytes: 256 * 1024 * 1024, cpus: 1, pids_max: 64 };
  const mounts = { coordinator_dir, worker_dir, workspace_dir: worker_dir };
  const spec = { name, image: BASE_IMAGE, limits, labels: {}, mounts };
  const options = containerOptions(spec, { instance: 'canary', user: owner, runtime: undefined });
  const engine = openEngine(undefined);
  t.teardown(() => engine.close());
  const changed = { ...options, ...own, HostConfig: { ...options.HostConfig, ...host } };
  const { KernelVersion: kernel = null } = await engine.calls.info();
  const canary = { name, image_with_node, kernel };
  return (await tryIsolation(engine, canary, changed, [other])).fault ?? '';
}

dockerTest('a worker of the usual options reaches nothing', async (t) => {
  t.is(await findIn(t, {}), '');
});

const bind = (path: string) => ({ Mounts: [], Binds: [`${path}:${path}`] });

/** What a wrong setting opens, and what the canary says of it. */
const OPEN: Record<string, [RegExp, () => Host, Partial<ContainerOptions>?]> = {
  "the host's network": [/the network \(interface .*this machine \(/, () => ({ NetworkMode: 'host' })],
  'a network of the engine': [/the network \(interface eth0.*this machine \(/, () => ({ NetworkMode: 'bridge' })],
  'the socket of the engine': [/the socket of the container engine/, () => bind('/var/run/docker.sock')],
  'root and capabilities': [
    /privileges \(it runs as root, it has capabilities, it can gain privileges/,
    () => ({ CapDrop: [], SecurityOpt: [] }),
    { User: '0:0' },
  ],
  'no filter of system calls': [
    /privileges \(no system call is filtered\)/,
    () => ({ SecurityOpt: ['no-new-privileges', 'seccomp=unconfined'] }),
  ],
};

for (const [what, [says, host, own]] of Object.entries(OPEN))
  dockerTest(`a container with ${what} is found to be open`, async (t) => {
    t.regex(await findIn(t, host(), own), says);
  });

dockerTest("a container that sees another worker's folder is found to be open", async (t) => {
  const fault = await findIn(t, { ...bind('/tmp'), Tmpfs: {}, CapDrop: [] }, { User: '0:0' });
  t.regex(fault, /another worker's folder \(/);
});

const NO_NODE = ['RUN rm "$(command -v node)"'];

dockerTest('an image without Node is tried in one that has it, and nothing passes without', async (t) => {
  const Image = await buildImage(t, await temporaryFolder(t), NO_NODE);
  t.is(await findIn(t, {}, { Image }), '');
  t.regex(await findIn(t, { NetworkMode: 'bridge' }, { Image }), /the network \(interface eth0/);
  const fault = await findIn(t, {}, { Image }, 'errand-that-was-never-built');
  t.regex(
    fault,
    /^It cannot be tried whether workers are isolated, so none is started: Node is missing in errand-test-/,
  );
});

dockerTest('a canary that says nothing does not pass', async (t) => {
  const Image = await buildImage(t, await temporaryFolder(t), ['RUN ln -sf /bin/true "$(command -v node)"']);
  await t.throwsAsync(findIn(t, {}, { Image }), { message: /^The canary did not say what it found/ });
});

test('what the canary could not try is told apart from what it did not reach', async (t) => {
  const none = { host: [], network: [], name: 'errand.invalid', engines: [], kernel: null, others: [] };
  const { untried } = await new Canary(none).run();
  t.deepEqual(
    untried.map(({ what }) => what),
    ['network', 'host'],
  );
});
