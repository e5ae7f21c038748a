import { Agent } from 'node:http';
import test from 'ava';
import { ownerOutside } from '../../../../coordinator/workers/docker/remapped-users.ts';
import { EngineClient } from '../../../../coordinator/workers/docker/client.ts';
import { addressOf, openEngine } from '../../../../coordinator/workers/docker/engine.ts';
import { DockerLauncher } from '../../../../coordinator/workers/docker/launcher.ts';
import { startFakeEngine } from '../../../support/fake-engine.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { SILENT } from '../../../support/silent.ts';
import { until } from '../../../support/until.ts';

const CALL_MS = 500;
const user = { uid: 1000, gid: 1000 };
const INFO = { NCPU: 2, LiveRestoreEnabled: true };
const remapped = {
  ...INFO,
  SecurityOptions: ['name=seccomp,profile=default', 'name=userns'],
  DockerRootDir: '/var/lib/docker/100000.200000',
};
const map = (inside: number, outside: number, count: number) => [{ inside, outside, count }];
const all = { uid: map(0, 0, 2 ** 32 - 1), gid: map(0, 0, 2 ** 32 - 1) };

test('folders belong to the user of the container, as the engine remaps it, and as this process knows it', (t) => {
  t.deepEqual(ownerOutside(INFO, user, all), user);
  t.deepEqual(ownerOutside({ ...remapped, SecurityOptions: ['name=rootless'] }, user, all), user);
  t.deepEqual(ownerOutside(remapped, user, all), { uid: 101_000, gid: 201_000 });
  // A server in a container of the same engine has the same users as the workers.
  const same = { uid: map(0, 100_000, 65_536), gid: map(0, 200_000, 65_536) };
  t.deepEqual(ownerOutside(remapped, user, same), user);
});

test('an engine that remaps users to ones that are not here, or not known, is refused with the reason', (t) => {
  const other = { uid: map(0, 300_000, 65_536), gid: map(0, 300_000, 65_536) };
  t.throws(() => ownerOutside(remapped, user, other), { message: /userns-remap.*has no user for its user 101000/ });
  t.throws(() => ownerOutside({ ...remapped, DockerRootDir: '/data' }, user, all), {
    message: /userns-remap.*not known/,
  });
});

for (const [runtime, fault] of [
  ['runsc', /ERRAND_WORKER_RUNTIME is 'runsc', and Docker has no such runtime\. It has: none\. Install it/],
  [undefined, null],
] as const)
  test(`an engine without the runtime ${runtime} is ${fault ? 'refused with the reason' : 'accepted'}, by the canary too`, async (t) => {
    const { docker_host } = await startFakeEngine(t, { has_image: true });
    const data_dir = await temporaryFolder(t);
    const launcher = new DockerLauncher({ docker_host, image: 'a', runtime, instance: 'a', data_dir, logger: SILENT });
    t.teardown(() => launcher.close());
    const found = await launcher.check();
    if (fault === null) {
      t.is(found, null);
      return;
    }
    t.regex(found ?? '', fault);
    const mounts = { coordinator_dir: data_dir, worker_dir: data_dir, workspace_dir: data_dir };
    const limits = { memory_bytes: 1, cpus: 1, pids_max: 1 };
    const spec = { name: 'a', image: 'a', limits, labels: {}, mounts };
    const { signal } = new AbortController();
    await t.throwsAsync(launcher.tryIsolation(spec, '/x', signal), { message: fault });
  });

for (const change of ['reload', 'restart'] as const)
  test(`the ${change} of an engine is seen, and other calls are not taken for one`, async (t) => {
    const fake = await startFakeEngine(t);
    const engine = openEngine(fake.docker_host);
    t.teardown(() => engine.close());
    const { changed, stopped } = await engine.checks.watch(new AbortController().signal);
    await engine.checks.version();
    t.false(changed.aborted);
    fake[change]();
    await until('it is seen', () => changed.aborted);
    t.is(stopped.aborted, change === 'restart');
  });

test('a watch outlives the time limit of a call, and ends with its signal', async (t) => {
  const fake = await startFakeEngine(t);
  const agent = new Agent();
  t.teardown(() => agent.destroy());
  const client = new EngineClient(addressOf(fake.docker_host), agent, CALL_MS);
  const watch = new AbortController();
  const { changed } = await client.watch(watch.signal);
  // Which has the same limit, and begins later.
  await t.throwsAsync(client.waitForContainer('hangs'), { message: /^no response within/ });
  t.false(changed.aborted);
  watch.abort();
  await until('it has ended', () => changed.aborted);
});
