import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { pino } from 'pino';
import { ProcessLauncher } from '../../../coordinator/workers/process/launcher.ts';
import type { TaskRow } from '../../../coordinator/domain/task.ts';
import { insertAttempt } from '../../../coordinator/sqlite/attempts.ts';
import { openDatabase } from '../../../coordinator/sqlite/open-database.ts';
import { EventLog } from '../../../coordinator/sqlite/event-log.ts';
import { setWorkspace } from '../../../coordinator/sqlite/workspaces.ts';
import { advance } from '../../../coordinator/tasks/advance.ts';
import { attemptSettings } from '../../../coordinator/tasks/task-settings.ts';
import type { Launcher } from '../../../coordinator/workers/local/launcher.ts';
import type { Isolation } from '../../../coordinator/workers/runner.ts';
import { newWorkerName } from '../../../coordinator/workers/worker-name.ts';
import { addTask, addUser, startServer, TINY_WORKER } from '../../support/dispatching.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { until } from '../../support/until.ts';

type Found = Omit<Isolation, 'changed'>;
const PASSED: Found = { fault: null, detail: 'was tried' };

/** A launcher of processes that claims to isolate them, and says this of it, once it may. */
class Isolating extends ProcessLauncher {
  readonly answers: (() => Promise<Found>)[] = [];
  /** Restarts the engine. */
  changed = new AbortController();
  tried = 0;
  started = 0;
  engine_fault: string | null = null;

  override async check(): Promise<string | null> {
    return this.engine_fault ?? super.check();
  }

  override async start(spec: Parameters<Launcher['start']>[0]): Promise<void> {
    this.started += 1;
    return super.start(spec);
  }

  async tryIsolation(_spec: unknown, other_file: string): Promise<Isolation> {
    this.tried += 1;
    this.changed = new AbortController();
    const { signal: changed } = this.changed;
    if (!existsSync(other_file)) throw new Error('There is no other worker.');
    const answer = this.answers.shift();
    return { ...(answer ? await answer() : PASSED), changed };
  }
}

const OPEN: Record<string, () => Promise<Found>> = {
  'workers reach the network': async () => ({ fault: 'A container could reach: the network.', detail: 'was tried' }),
  'it cannot be tried': () => Promise.reject(new Error('the engine hangs')),
};

for (const [what, answer] of Object.entries(OPEN))
  test(`no worker is started while ${what}, and errands start once they are isolated`, async (t) => {
    const data_dir = await temporaryFolder(t);
    const env = { PATH: process.env.PATH ?? '' };
    const launcher = new Isolating({ workers_dir: join(data_dir, 'workers'), program: { entry: TINY_WORKER }, env });
    const released = Promise.withResolvers<Found>();
    launcher.answers.push(answer, () => released.promise);
    const server = await startServer(t, { data_dir, warm_workers: 1, launcher: () => launcher });
    const { id } = addTask(server.db, addUser(server.db));
    server.dispatcher.wake();
    const fault = await until('dispatch is held', () => server.gate.of('isolation') ?? undefined);
    t.regex(fault, /the network|could not be tried/);
    await until('it is tried again', () => launcher.tried === 2);
    t.is(launcher.started, 0);
    t.is(server.task(id).status, 'queued');
    released.resolve(PASSED);
    await server.reaches(id, 'succeeded');
    t.is(server.gate.of('isolation'), null);
    t.is(server.dispatcher.isolation, 'was tried');
    t.false(existsSync(join(data_dir, 'canary')));
  });

test('an attempt that an earlier process was about to start waits for it too', async (t) => {
  const data_dir = await temporaryFolder(t);
  const { id } = leaveStarting(data_dir);
  const env = { PATH: process.env.PATH ?? '' };
  const launcher = new Isolating({ workers_dir: join(data_dir, 'workers'), program: { entry: TINY_WORKER }, env });
  const released = Promise.withResolvers<Found>();
  launcher.answers.push(async () => ({ fault: 'A container could reach: the network.', detail: 'was tried' }));
  launcher.answers.push(() => released.promise);
  const server = await startServer(t, { data_dir, launcher: () => launcher });
  await until('it is tried again', () => launcher.tried === 2);
  t.is(launcher.started, 0);
  t.is(server.dispatcher.workers.at_work, 1, 'it has its slot');
  released.resolve(PASSED);
  await server.reaches(id, 'succeeded');
  t.is(launcher.started, 1);
});

test('isolation is tried again after the engine was restarted, and until it passed no worker starts', async (t) => {
  const { launcher, server } = await serverAfterAnErrand(t);
  t.is(launcher.tried, 1);

  const released = Promise.withResolvers<Found>();
  // Restarted again while it is being tried: what was found need not hold any more.
  launcher.answers.push(async () => {
    launcher.changed.abort();
    return PASSED;
  });
  launcher.answers.push(() => released.promise);
  launcher.changed.abort();
  await until('dispatch is held', () => server.gate.of('isolation') ?? undefined);
  t.regex(server.gate.of('isolation') ?? '', /^The container engine was restarted/);
  const { id } = addTask(server.db, addUser(server.db));
  server.dispatcher.wake();
  await until('it is tried twice more', () => launcher.tried === 3);
  t.regex(server.gate.fault ?? '', /^The container engine was restarted/);
  t.is(server.task(id).status, 'queued');
  t.is(launcher.started, 1);
  released.resolve(PASSED);
  await server.reaches(id, 'succeeded');
  t.is(server.gate.of('isolation'), null);
});

test('an engine that dies under a running server is named, until it is back', async (t) => {
  const { launcher, server } = await serverAfterAnErrand(t);
  t.is(server.gate.of('runner'), null);

  launcher.engine_fault = 'The engine does not answer.';
  const released = Promise.withResolvers<Found>();
  launcher.answers.push(
    () => Promise.reject(new Error('connect ENOENT')),
    () => released.promise,
  );
  launcher.changed.abort();
  const fault = await until('the engine is named', () => server.gate.of('runner') ?? undefined);
  t.is(fault, 'The engine does not answer.');
  launcher.engine_fault = null;
  await until('the engine is back', () => server.gate.of('runner') === null || undefined);
  released.resolve(PASSED);
  await until('dispatch goes on', () => server.gate.fault === null || undefined);
});

/** A server whose workers were found to be isolated, and that has done an errand. */
async function serverAfterAnErrand(t: ExecutionContext) {
  const data_dir = await temporaryFolder(t);
  const env = { PATH: process.env.PATH ?? '' };
  const launcher = new Isolating({ workers_dir: join(data_dir, 'workers'), program: { entry: TINY_WORKER }, env });
  const server = await startServer(t, { data_dir, launcher: () => launcher });
  const first = addTask(server.db, addUser(server.db), { prompt: 'finish' });
  server.dispatcher.wake();
  await server.reaches(first.id, 'succeeded');
  return { launcher, server };
}

/** A task whose attempt is stored, and whose worker was not started yet. */
function leaveStarting(data_dir: string): TaskRow {
  const db = openDatabase(join(data_dir, 'errand.db'));
  const queued = addTask(db, addUser(db));
  const at = new Date().toISOString();
  new EventLog({ db, logger: pino({ level: 'silent' }) }).write((tx) => {
    const { attempt: n, model } = advance(tx, queued, { type: 'attempt_started', at });
    const worker = newWorkerName();
    insertAttempt(tx.db, {
      task_id: queued.id,
      n,
      status: 'starting',
      reason: null,
      detail: null,
      runner: 'process',
      worker,
      warm: false,
      last_seq: 0,
      model,
      started_at: at,
      ended_at: null,
      ...attemptSettings(tx.db, queued),
    });
    setWorkspace(tx.db, queued.id, worker);
  });
  db.close();
  return queued;
}
