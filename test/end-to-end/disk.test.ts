import type { ExecutionContext } from 'ava';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '../../coordinator/sqlite/open-database.ts';
import type { Readiness } from '../../protocol/server-info.ts';
import { Api, readProblem } from '../support/api.ts';
import { CuttableDisk } from '../support/cuttable-disk.ts';
import { fillDisk, mountDisk, powerTest } from '../support/disk.ts';
import { ended, eventsOf, startErrand, type Person } from '../support/errand.ts';
import { temporaryFolder } from '../support/folder.ts';
import type { Phone } from '../support/phone.ts';
import { until } from '../support/until.ts';
import { BROKEN, byConversation, turnOf } from './scenario.ts';

const PASSWORD = 'correct horse battery';
/** A call that a full disk refuses is logged at `debug`. */
const ENV = { ERRAND_DISK_FREE_MB_MIN: '8', ERRAND_WORKERS: '2', ERRAND_LOG: 'debug' };

/** An errand named Wait blocks until the file exists, and then prints a lot; the others do nothing. */
const countingOnce = (go_on: string) =>
  byConversation((request) => {
    const run = (command: string) => ({ tools: [{ name: 'run_command', input: { command } }] });
    if (!JSON.stringify(request.messages[0]).includes('Wait')) return { text: 'Nothing\n\nThere was nothing to do.' };
    if (turnOf(request) === 0) return run(`until [ -e ${go_on} ]; do sleep 0.05; done`);
    return turnOf(request) < 4 ? run('seq 5000') : { text: 'Count\n\nIt was counted.' };
  });

/** What a person still can do on a full disk: end what runs, come in, and look. */
async function checkReserve(t: ExecutionContext, url: string, { api, session }: Person, running: string) {
  const others = new Api(url);
  const login = await others.call('login', { body: { email: 'ann@example.org', password: PASSWORD } });
  const refreshed = await others.call('refresh', { body: { refresh_token: login.refresh_token } });
  others.token = refreshed.access_token;
  t.is((await others.call('me', {})).id, session.user.id);
  t.like(await others.refused('login', { body: { email: 'ann@example.org', password: 'wrong horse' } }), {
    code: 'wrong_credentials',
  });
  await others.call('cancelTask', { params: { id: running } });
  t.is((await ended({ api: others }, running)).status, 'cancelled');
  await others.call('logout', { body: { refresh_token: refreshed.refresh_token } });
  const { errors } = await readProblem(await api.send('readyz', {}));
  t.deepEqual(
    errors?.find(({ field }) => field === '/checks/reserve')?.message,
    'the disk is full: only cancels, log-ins and reading work',
  );
}

/** Checks that the log of a task has no gap, and that its phone has received all of it. */
async function checkLog(t: ExecutionContext, person: Person, phone: Phone, id: string): Promise<void> {
  const log = await eventsOf(person, id);
  const seqs = log.flatMap(({ seq }) => (seq === null ? [] : [seq]));
  t.deepEqual(
    seqs,
    seqs.map((_, index) => index + 1),
  );
  await phone.until(({ events }) => events.filter((event) => event.task_id === id).length === log.length);
  t.deepEqual(
    phone.events.filter((event) => event.task_id === id),
    log,
  );
}

function checkDatabase(t: ExecutionContext, data_dir: string): void {
  const db = openDatabase(join(data_dir, 'errand.db'));
  t.is(db.pragma('integrity_check', { simple: true }), 'ok');
  db.close();
}

const hasReserve = ({ ready, checks }: Readiness) => ready && checks['reserve']?.ok === true;

const isRefused = (line: string) => line.includes('worker call refused') && line.includes('disk is full');

powerTest(
  'a full data disk stops new work and loses nothing; cancels, log-ins and reading work; all goes on once there is room',
  async (t) => {
    const folder = await temporaryFolder(t);
    const go_on = join(folder, 'go-on');
    const image = new CuttableDisk(join(folder, 'data'), 96);
    t.teardown(() => image.remove());
    const disk = image.dir;
    // Workers write to another disk: only that of the database is full.
    for (const name of ['workspaces', 'workers']) mountDisk(t, join(disk, name), 200);
    const whole = await startErrand(t, {
      runner: 'process',
      data_dir: disk,
      env: ENV,
      model: countingOnce(go_on),
    });
    const ann = await whole.person('ann');
    const { api } = ann;
    const phone = ann.phone();
    const project_id = await whole.project(ann, 'adder', BROKEN);
    const { id } = await api.call('createTask', { body: { prompt: 'Wait', project_id } });
    const { id: unwanted } = await api.call('createTask', { body: { prompt: 'Wait, too', project_id } });
    for (const task_id of [id, unwanted])
      await phone.until(({ events }) =>
        events.some((event) => event.task_id === task_id && event.type === 'tool.started'),
      );

    const makeRoom = fillDisk(disk);
    const fault = await until('the disk is found to be full', async () => {
      const response = await api.send('readyz', {});
      return response.status === 503 && (await response.json());
    });
    t.regex(JSON.stringify(fault), /checks\/disk.*nearly full: 0\.0 MB free; new errands wait until 10/);

    const more = { prompt: 'More', project_id };
    t.is((await api.refused('createTask', { body: more })).detail, "The server's disk is full.");
    await checkReserve(t, whole.errand.url, ann, unwanted);
    t.is((await api.call('getTask', { params: { id } })).status, 'running');
    t.is((await api.call('healthz', {})).ok, true);

    // The running errand continues; its callbacks are refused for now.
    writeFileSync(go_on, '');
    await until("the worker's callbacks are refused", () => whole.lines.some(isRefused));
    const replay = ann.phone();
    await replay.until(({ frames }) => frames.some((frame) => frame.type === 'caught_up'));
    t.deepEqual(replay.events, phone.events);
    t.is(phone.cuts, 0);

    makeRoom();
    t.is((await ended(ann, id)).status, 'succeeded');
    const { id: next } = await api.call('createTask', { body: more });
    t.is((await ended(ann, next)).status, 'succeeded');
    await until('the server is ready, with its reserve', async () => hasReserve(await api.call('readyz', {})));
    const done = await api.call('getTask', { params: { id } });
    t.is(done.attempts.length, 1);
    await checkLog(t, ann, phone, id);
    checkDatabase(t, disk);
  },
);
