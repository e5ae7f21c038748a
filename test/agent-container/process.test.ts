import test, { type ExecutionContext } from 'ava';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Address } from '../../agent-container/config.ts';
import { git } from '../support/git-server.ts';
import { until } from '../support/until.ts';
import { callWorker } from '../support/worker-call.ts';
import { setScene, type Scene } from '../support/worker-scene.ts';
import type { Step } from '../support/scripted-worker.ts';

const ENTRY = fileURLToPath(new URL('../support/scripted-worker.ts', import.meta.url));

/** Starts the worker's program as a runner does. */
function startProcess(t: ExecutionContext, scene: Scene, more: Record<string, string> = {}) {
  const socket = join(scene.folder, 'worker.sock');
  const child = spawn(process.execPath, [ENTRY], {
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      ERRAND_COORDINATOR: scene.mock.address,
      ERRAND_LISTEN: `unix:${socket}`,
      ERRAND_WORKSPACE: join(scene.folder, 'workspace'),
      ERRAND_SPOOL: join(scene.folder, 'spool'),
      ...more,
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  t.teardown(() => child.kill('SIGKILL'));
  const address: Address = { kind: 'unix', path: socket };
  const healthy = () =>
    until(
      'the worker is healthy',
      () =>
        callWorker(address, 'GET', '/healthz').then(
          ({ status }) => status === 200,
          () => false,
        ),
      30_000,
    );
  const hand = async () => {
    await healthy();
    const reply = await callWorker(address, 'POST', '/task', scene.task.assignment());
    if (reply.status !== 202) throw new Error(`${reply.status} ${JSON.stringify(reply.body)}`);
  };
  return { child, exited, address, healthy, hand };
}

const script = (...steps: Step[]) => ({ assignment: { prompt: JSON.stringify(steps) } });

async function kill(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  child.kill('SIGKILL');
  await exited;
}

test('a process that is started again on the spool of a killed one loses no event', async (t) => {
  const scene = await setScene(t, script({ emit: 8000, prefix: 'a' }, { wait: true }));
  const { task } = scene;
  const first = startProcess(t, scene);
  await first.hand();
  await until('some events came', () => task.events.length > 20);
  // From here on no callback succeeds, and further events stay in the spool.
  scene.mock.faults.add('events', { kind: 'fail', status: 503 }, 1_000_000);
  const known = task.events.length;
  await until('the spool holds many events', async () => {
    const { body } = await callWorker(first.address, 'GET', '/status');
    return (body as { last_seq: number }).last_seq > 7500;
  });
  await kill(first.child, first.exited);
  t.true(task.events.length < 7500 && task.events.length >= known, `${task.events.length} events had arrived`);
  scene.mock.faults.clear();
  task.base.prompt = JSON.stringify([
    { emit: 10, prefix: 'b' },
    { write: 'a.txt', text: 'a\n' },
  ]);
  const second = startProcess(t, scene);
  await second.hand();
  t.deepEqual(await second.exited, [0, null]);
  const texts = task.events.flatMap((event) => (event.type === 'log' ? [event.body.text] : []));
  const spooled = texts.filter((text) => text.startsWith('a'));
  t.true(spooled.length >= 7490, `${spooled.length} of the first process`);
  t.deepEqual(
    spooled,
    spooled.map((_, i) => `a${i + 1}`),
  );
  t.deepEqual(
    texts.slice(spooled.length),
    Array.from({ length: 10 }, (_, i) => `b${i + 1}`),
  );
  t.true(task.events.every(({ seq }, i) => seq === i + 1));
  t.deepEqual(task.breaches, []);
});

test('SIGTERM ends the process after its work in progress is pushed', async (t) => {
  const scene = await setScene(t, script({ write: 'half.txt', text: 'half\n' }, { emit: 1 }, { wait: true }));
  const { child, exited, hand } = startProcess(t, scene);
  await hand();
  await until('the work is under way', () => scene.task.events.some(({ type }) => type === 'log'));
  child.kill('SIGTERM');
  t.deepEqual(await exited, [143, null]);
  t.is(await git(scene.bare, 'show', `${scene.task.base.branch}:half.txt`), 'half');
});

test('a process that cannot be called takes its task from the environment, which its commands do not see', async (t) => {
  const scene = await setScene(t, script({ run: 'env' }));
  const { task } = scene;
  const { exited } = startProcess(t, scene, {
    ERRAND_LISTEN: '',
    ERRAND_TASK_ID: task.id,
    ERRAND_TASK_TOKEN: task.token,
  });
  t.deepEqual(await exited, [0, null]);
  t.notRegex(JSON.stringify(task.events), /ERRAND_|token-/);
});

test('commands have a folder for temporary files in the workspace', async (t) => {
  const scene = await setScene(t, script({ run: 'mktemp' }));
  const { exited, hand } = startProcess(t, scene);
  await hand();
  t.deepEqual(await exited, [0, null]);
  const texts = scene.task.events.flatMap((event) => (event.type === 'log' ? [event.body.text] : []));
  t.regex(texts[0] ?? '', /\/workspace\/tmp\/tmp\./);
});

test('a process can listen on the socket that a killed one left', async (t) => {
  const scene = await setScene(t);
  const first = startProcess(t, scene);
  await first.healthy();
  await kill(first.child, first.exited);
  const second = startProcess(t, scene);
  await second.healthy();
  second.child.kill('SIGTERM');
  t.deepEqual(await second.exited, [143, null]);
});
