import type { ExecutionContext } from 'ava';
import test from 'ava';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readBackupState, updateBackupState } from '../../coordinator/operations/backup/state.ts';
import { Api } from '../support/api.ts';
import { serverCommands } from '../support/backups.ts';
import { CoordinatorProcess, TCP_MAIN } from '../support/coordinator-process.ts';
import { ANN, sendFirstErrand, startServices } from '../support/coordinator-scene.ts';
import { dockerTest, whyNot } from '../support/docker.ts';
import { ended, eventsOf, startErrand, workersIn, type Person } from '../support/errand.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Phone } from '../support/phone.ts';
import { startS3Stub } from '../support/s3-stub.ts';
import { taskTokensOf } from '../support/task-tokens.ts';
import { until } from '../support/until.ts';
import { BROKEN, byConversation, turnOf } from './scenario.ts';
import { setupCodeOf } from '../support/setup-code.ts';

const TURNS = 12;

/** The command of this turn can be replaced by one that blocks. */
const LONG_TURN = 6;

/** An errand of a dozen turns. Its long turn runs the command that `held` returns, if any. */
const counting = (held: () => string | undefined) =>
  byConversation((request) => {
    const turn = turnOf(request);
    if (turn === TURNS) return { text: 'Count\n\nCounted.' };
    const command = (turn === LONG_TURN ? held() : undefined) ?? `echo ${turn} >> counted.txt`;
    return { tools: [{ name: 'run_command', input: { command } }] };
  });

const finished = ({ events }: Phone): number => events.filter(({ type }) => type === 'tool.finished').length;

/** Starts a server, and an errand that blocks in its long turn. */
async function startHeldErrand(t: ExecutionContext, runner: 'docker' | 'process') {
  const data_dir = await temporaryFolder(t);
  const held = { command: 'sleep 600' as string | undefined };
  const script = counting(() => held.command);
  const { forge, settings } = await startServices(t, runner, script);
  const start = () => CoordinatorProcess.start(t, data_dir, settings, TCP_MAIN);
  const coordinator = start();
  const { session, id, phone } = await sendFirstErrand(t, { url: await coordinator.url(), data_dir }, forge, BROKEN);
  return { data_dir, held, start, coordinator, session, id, phone, callback_port: settings.ERRAND_CALLBACK_PORT };
}

/** Logs in again after a restore, which ended the earlier log-ins. */
async function logInAgain(t: ExecutionContext, url: string, access_token: string, task_id: string) {
  const api = new Api(url, access_token);
  t.is((await api.refused('getTask', { params: { id: task_id } })).code, 'unauthenticated');
  const session = await api.call('login', { body: ANN });
  api.token = session.access_token;
  const phone = new Phone(api.url, session.user.id, () => session.access_token);
  t.teardown(() => phone.close());
  return { api, session, phone: () => phone };
}

async function checkAttempts(t: ExecutionContext, person: Person, id: string): Promise<void> {
  const done = await ended(person, id, 90_000);
  t.is(done.status, 'succeeded', done.detail ?? '');
  t.deepEqual(
    done.attempts.map(({ status, reason }) => [status, reason]),
    [
      ['failed', 'worker_lost'],
      ['succeeded', null],
    ],
  );
  t.regex(done.attempts[0]?.detail ?? '', /^The server was restored from a backup of /);
  const log = await eventsOf(person, id);
  const phone = person.phone();
  await phone.until(({ cursor }) => cursor === log.at(-1)?.id);
  t.deepEqual(phone.events, log);
}

/** Makes a backup while an errand runs, lets the errand go on, and then restores the backup. */
async function restores(t: ExecutionContext, runner: 'docker' | 'process'): Promise<void> {
  const { data_dir, held, start, coordinator, session, id, phone, callback_port } = await startHeldErrand(t, runner);
  await phone.until((seen) => finished(seen) >= 3);
  const server = await serverCommands(t, data_dir, { kind: 'folder', path: await temporaryFolder(t) });
  const made = await server.run('backup');
  t.is(made.code, 0, made.stderr);
  await phone.until((seen) => finished(seen) >= LONG_TURN);
  t.regex((await server.run('restore')).stderr, /An Errand is running on the data folder/);

  // An attempt after the restore may have the number of an attempt before it; the older worker's token must not fit.
  const call = (token: string, attempt: number) => heartbeat(callback_port, id, token, attempt);
  const before = taskTokensOf(data_dir);
  t.is(await call(await before.issue(id, 1), 1), 200);

  const epoch = phone.hello?.epoch;
  phone.close();
  await coordinator.kill();
  held.command = undefined;
  const restored = await server.run('restore');
  t.is(restored.code, 0, restored.stderr);
  t.regex(restored.stdout, /Tasks that were under way and get a new attempt: 1\./);

  const second = start();
  const ann = await logInAgain(t, await second.url(), session.access_token, id);
  const again = ann.phone();
  await again.until(({ hello }) => hello !== undefined);
  t.not(again.hello?.epoch, epoch);
  await again.until(({ events }) => events.some(({ type, attempt }) => type === 'agent.started' && attempt === 2));
  t.is(await call(await before.issue(id, 2), 2), 401);
  t.not(await call(await taskTokensOf(data_dir).issue(id, 1), 1), 200);

  await checkAttempts(t, ann, id);
  await second.stop();
}

/** Sends a heartbeat; gives the status of the reply. */
async function heartbeat(port: string, task_id: string, token: string, attempt: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/internal/tasks/${task_id}/heartbeat`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ attempt, last_seq: 0, waiting_for: null }),
  });
  return response.status;
}

const no_docker = await whyNot('errand-agent');
test.serial('process: an errand that runs during a restore continues in a new attempt', (t) => restores(t, 'process'));
dockerTest(
  'docker: an errand that runs during a restore continues in a new attempt',
  (t) => restores(t, 'docker'),
  no_docker,
);

test.serial('a missing, full or slow backup store is reported, and harms no errand', async (t) => {
  const [stub, data_dir] = [await startS3Stub(t), await temporaryFolder(t)];
  // The server's next scheduled backup is an hour later: this test makes its backups by command.
  const last_good = { at: new Date().toISOString(), name: 'before', bytes: 1, took_ms: 1 };
  await updateBackupState(data_dir, { last_good });
  const gate = join(await temporaryFolder(t), 'gate');
  const whole = await startErrand(t, {
    runner: 'process',
    model: counting(() => `until [ -e ${gate} ]; do sleep 0.05; done`),
    env: {
      ERRAND_DATA: data_dir,
      ERRAND_BACKUP_TO: 's3://backups/errand',
      ERRAND_BACKUP_S3_ENDPOINT: stub.destination.endpoint,
      AWS_ACCESS_KEY_ID: 'k',
      AWS_SECRET_ACCESS_KEY: 'sesame',
    },
  });
  const ann = await whole.person('ann');
  const phone = ann.phone();
  const project_id = await whole.project(ann, 'adder', BROKEN);
  const { id } = await ann.api.call('createTask', { body: { prompt: 'Count', project_id } });
  await phone.until((seen) => finished(seen) >= 1);
  const readyz = () => ann.api.call('readyz', {});
  const GOOD = /^the last good backup is \d min old$/;
  t.regex((await readyz()).checks['backup']?.detail ?? '', GOOD);

  const server = await serverCommands(t, data_dir, stub.destination);
  for (const [fault, words] of [
    [{ status: 403, code: 'SignatureDoesNotMatch' }, /refused \(403 SignatureDoesNotMatch\)/],
    [{ status: 507, code: 'InsufficientStorage' }, /is full/],
  ] as const) {
    stub.fail(fault);
    const { code, stderr } = await server.run('backup');
    t.is(code, 2);
    t.regex(stderr, words);
    const { ready, checks } = await readyz();
    t.true(ready);
    t.regex(checks['backup']?.detail ?? '', /; at 2.*Z one failed: the server's log, or backup\.json, says why$/);
  }
  stub.fail('silent', { method: 'PUT' });
  const slow = server.start('backup');
  await until('it uploads', () => stub.requests.some((request) => request.startsWith('PUT')), 60_000);
  t.is(slow.child.exitCode, null);
  writeFileSync(gate, '');
  const done = await ended(ann, id);
  slow.child.kill();
  await slow.ended;

  t.is(done.status, 'succeeded', done.detail ?? '');
  t.is(done.attempts.length, 1);
  t.is((await eventsOf(ann, id)).filter(({ type }) => type === 'tool.finished').length, TURNS);
  stub.fail(undefined);
  t.is((await server.run('backup')).code, 0);
  t.regex((await readyz()).checks['backup']?.detail ?? '', GOOD);
  t.not(readBackupState(data_dir).last_good?.name, 'before');
  t.false(whole.lines.join('').includes('sesame'));
  await until('the worker is removed', () => workersIn(data_dir).length === 0);
});

test.serial(
  'an errand whose secrets cannot be decrypted, because the keys were lost, fails at once and says so',
  async (t) => {
    const data_dir = await temporaryFolder(t);
    const settings = { ERRAND_RUNNER: 'process' };
    const first = CoordinatorProcess.start(t, data_dir, settings, TCP_MAIN);
    const before = new Api(await first.url());
    before.token = (await before.call('signup', { body: { ...ANN, setup_code: setupCodeOf(data_dir) } })).access_token;
    const project = { name: 'P', repo_url: 'errand://sample', secrets: { SECRET: 'sesame' } };
    const { id: project_id } = await before.call('createProject', { body: project });
    await first.stop();
    rmSync(join(data_dir, 'keys.json'));

    const second = CoordinatorProcess.start(t, data_dir, settings, TCP_MAIN);
    const api = new Api(await second.url());
    const session = await api.call('login', { body: ANN });
    api.token = session.access_token;
    const { id } = await api.call('createTask', { body: { prompt: 'Count', project_id } });
    const failed = await ended({ api }, id);
    t.like(failed, { status: 'failed', reason: 'setup_failed' });
    t.regex(failed.detail ?? '', /git_token and secrets cannot be opened: they were sealed with another keys\.json/);
    await second.stop();
  },
);
