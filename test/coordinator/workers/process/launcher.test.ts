import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { LaunchSpec } from '../../../../coordinator/workers/local/launcher.ts';
import { WorkerDirectories } from '../../../../coordinator/workers/local/worker-directories.ts';
import { findProcess, isAlive } from '../../../../coordinator/workers/process/processes.ts';
import { ProcessLauncher } from '../../../../coordinator/workers/process/launcher.ts';
import { newWorkerName } from '../../../../coordinator/workers/worker-name.ts';
import { Workspaces } from '../../../../coordinator/workers/workspaces.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { until } from '../../../support/until.ts';

/** A launcher whose workers run this program, or this command line in the test's folder. */
async function openRunner(t: ExecutionContext, program: string, command?: string) {
  const folder = await temporaryFolder(t);
  const entry = join(folder, 'worker.ts');
  writeFileSync(entry, program);
  const directories = new WorkerDirectories(join(folder, 'data'), { uid: 0, gid: 0 });
  const workspaces = new Workspaces(join(folder, 'data'));
  const { workers_dir } = directories;
  const env = { PATH: process.env.PATH ?? '' };
  const open = () =>
    new ProcessLauncher({
      workers_dir,
      program: command === undefined ? { entry } : { command, cwd: folder },
      env,
    });
  const runner = open();
  // The launcher does not keep the process alive, so the test would end while it waits.
  const alive = setInterval(() => undefined, 1_000);
  t.teardown(async () => {
    clearInterval(alive);
    for (const name of await runner.list()) await runner.remove(name);
    await runner.close();
  });
  const spec = (): LaunchSpec => {
    const name = newWorkerName();
    const { coordinator_dir, worker_dir } = directories.make(name);
    const workspace_dir = workspaces.make(name, runner.owner);
    const limits = { memory_bytes: 0, cpus: 1, pids_max: 1 };
    return { name, image: 'none', limits, labels: {}, mounts: { coordinator_dir, worker_dir, workspace_dir } };
  };
  return { runner, another: open, spec, folder };
}

const STAY = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1_000);`;
const file = (spec: LaunchSpec, name: string) => join(spec.mounts.workspace_dir, name);
const read = (spec: LaunchSpec, name: string) =>
  until(
    `${name} is there`,
    () => (existsSync(file(spec, name)) ? readFileSync(file(spec, name), 'utf8') : '') || undefined,
  );

test('a worker gets its own environment variables, and none of the server', async (t) => {
  process.env.ANTHROPIC_API_KEY = 'sk-a-secret';
  t.teardown(() => delete process.env.ANTHROPIC_API_KEY);
  const { runner, spec } = await openRunner(
    t,
    `require('fs').writeFileSync('env.part', JSON.stringify(process.env)); require('fs').renameSync('env.part', 'env');`,
  );
  const made = spec();
  await runner.start(made);
  t.deepEqual(JSON.parse(await read(made, 'env')), {
    PATH: process.env.PATH ?? '',
    ERRAND_COORDINATOR: `unix:${made.mounts.coordinator_dir}/coordinator.sock`,
    ERRAND_LISTEN: `unix:${made.mounts.worker_dir}/worker.sock`,
    ERRAND_WORKSPACE: made.mounts.workspace_dir,
    ERRAND_SPOOL: file(made, 'spool'),
    HOME: file(made, 'home'),
  });
});

test('the end of a worker is reported, with its last output', async (t) => {
  const { runner, spec } = await openRunner(t, `console.error('so it goes'); process.exit(9);`);
  const made = spec();
  await runner.start(made);
  t.deepEqual(await runner.ended(made.name), { exit_code: 9, out_of_memory: false, output: 'so it goes\n' });
  await runner.remove(made.name);
  t.deepEqual(await runner.ended(made.name), { exit_code: null, out_of_memory: false, output: '' });
});

test('a restarted server finds a worker again, sees its end and can kill it', async (t) => {
  const { runner, another, spec } = await openRunner(t, STAY);
  const [one, two] = [spec(), spec()];
  await runner.start(one);
  await runner.start(two);
  const next = another();
  t.deepEqual((await next.list()).sort(), [one.name, two.name].sort());
  const ended = next.ended(one.name);
  await next.remove(one.name);
  t.like(await ended, { exit_code: null });
  t.deepEqual(await next.list(), [two.name]);
  t.like(await runner.ended(one.name), { exit_code: 137 });
});

test('starting a running worker adopts it', async (t) => {
  const { runner, another, spec } = await openRunner(t, `require('fs').appendFileSync('starts', 'x'); ${STAY}`);
  const made = spec();
  await runner.start(made);
  t.is(await read(made, 'starts'), 'x');
  await another().start(made);
  await runner.start(made);
  await runner.remove(made.name);
  t.is(await read(made, 'starts'), 'x');
});

test('a process that reuses the id of a worker is not mistaken for it', async (t) => {
  const { runner, spec, folder } = await openRunner(t, STAY);
  const made = spec();
  const stranger = { pid: process.pid, started: (findProcess(process.pid)?.started ?? 0) - 1, home: '/nowhere' };
  writeFileSync(join(folder, 'data/workers', made.name, 'process.json'), JSON.stringify(stranger));
  t.like(await runner.ended(made.name), { exit_code: null });
  await runner.remove(made.name);
  t.true(isAlive({ pid: process.pid, started: stranger.started + 1 }));
});

test('remove kills everything that a worker started, even in other groups or after its end', async (t) => {
  const { runner, another, spec } = await openRunner(
    t,
    `const { spawn } = require('child_process');
     const options = { detached: true, stdio: 'ignore' };
     const apart = spawn('sh', ['-c', 'trap "" TERM; sleep 600 & wait'], options);
     const near = spawn('sleep', ['600'], { stdio: 'ignore', env: { PATH: process.env.PATH } });
     require('fs').writeFileSync('pids.part', [apart.pid, near.pid].join(' '));
     require('fs').renameSync('pids.part', 'pids');
     if (process.argv.length === 2) setTimeout(() => process.exit(1), 50);`,
  );
  const made = spec();
  await runner.start(made);
  const pids = (await read(made, 'pids')).split(' ').map(Number);
  await runner.ended(made.name);
  for (const pid of pids) t.truthy(findProcess(pid));
  await another().remove(made.name);
  for (const pid of pids) t.is(findProcess(pid), undefined);
});

test('the output of a worker is limited in size', async (t) => {
  const { runner, spec, folder } = await openRunner(
    t,
    `process.stdout.write('x'.repeat(12 * 1024 * 1024), () => require('fs').writeFileSync('written', 'y')); ${STAY}`,
  );
  const made = spec();
  await runner.start(made);
  await read(made, 'written');
  const output = join(folder, 'data/workers', made.name, 'output.log');
  t.is(statSync(output).size, 12 * 1024 * 1024);
  await runner.list();
  t.is(statSync(output).size, 0);
});

for (const [what, command] of [
  ['a relative path', 'sh worker.ts'],
  ['a path with a space, in quotes', 'sh "./my worker.sh"'],
  ['a variable before the program', 'NAME=other sh worker.ts'],
  ['two commands', 'true && sh worker.ts'],
] as const)
  test(`a worker can be started by a command: ${what}`, async (t) => {
    const script = `echo "$NAME $ERRAND_WORKSPACE $HOME" > "$ERRAND_WORKSPACE/made"; exit 3`;
    const { runner, spec, folder } = await openRunner(t, script, command);
    writeFileSync(join(folder, 'my worker.sh'), script);
    const made = spec();
    await runner.start(made);
    const { exit_code } = await runner.ended(made.name);
    t.is(exit_code, 3);
    const { workspace_dir } = made.mounts;
    const name = command.includes('NAME') ? 'other' : '';
    t.is(readFileSync(file(made, 'made'), 'utf8'), `${name} ${workspace_dir} ${workspace_dir}/home\n`);
  });

test('a command that does not exist ends its worker with words that name it', async (t) => {
  const { runner, spec } = await openRunner(t, '', 'no-such-program worker.py');
  const made = spec();
  await runner.start(made);
  const { exit_code, output } = await runner.ended(made.name);
  t.is(exit_code, 127);
  t.regex(output, /no-such-program: not found/);
});

test('what a command started ends with it, even behind the shell', async (t) => {
  const { runner, spec } = await openRunner(t, '', 'sleep 600 & echo $! > "$ERRAND_WORKSPACE/pid"; wait');
  const made = spec();
  await runner.start(made);
  const pid = Number(await read(made, 'pid'));
  t.not(findProcess(pid), undefined);
  await runner.remove(made.name);
  t.is(findProcess(pid), undefined);
});

test('a missing program is reported', async (t) => {
  const runner = new ProcessLauncher({ workers_dir: '/nowhere', program: { entry: '/nowhere/worker.ts' }, env: {} });
  t.is(await runner.check(), "The worker's program /nowhere/worker.ts does not exist.");
  t.deepEqual(await runner.list(), []);
});
