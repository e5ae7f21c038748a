import type { ExecutionContext } from 'ava';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '../../coordinator/sqlite/open-database.ts';
import { Task } from '../../protocol/task.ts';
import { readProblem } from '../support/api.ts';
import { diskTest, fillDisk, mountDisk } from '../support/disk.ts';
import { ended, eventsOf, startErrand, type Person } from '../support/errand.ts';
import { temporaryFolder } from '../support/folder.ts';
import type { Phone } from '../support/phone.ts';
import { until } from '../support/until.ts';
import { BROKEN, byConversation, turnOf } from './scenario.ts';

const PASSWORD = 'correct horse battery';
const FREE_MB_MIN = 8;

/** An errand named Wait blocks until the file exists, and then prints a lot; the others do nothing. */
const countingOnce = (go_on: string) =>
  byConversation((request) => {
    const run = (command: string) => ({ tools: [{ name: 'run_command', input: { command } }] });
    if (!JSON.stringify(request.messages[0]).includes('Wait')) return { text: 'Nothing\n\nThere was nothing to do.' };
    if (turnOf(request) === 0) return run(`until [ -e ${go_on} ]; do sleep 0.05; done`);
    return turnOf(request) < 4 ? run('seq 5000') : { text: 'Count\n\nIt was counted.' };
  });

/** Sends errands until the database is full. */
async function sendUntilRefused(t: ExecutionContext, { api }: Person, project_id: string) {
  const queued: string[] = [];
  const prompt = 'x'.repeat(30_000);
  const refusal = await until('the database is full', async () => {
    const response = await api.send('createTask', { body: { prompt, project_id } });
    if (response.status !== 201)
      return { ...(await readProblem(response)), retry_after: response.headers.get('retry-after') };
    const task = Task.parse(await response.json());
    queued.push(task.id);
    t.regex(JSON.stringify(task.waiting_for), /"reason":".*nearly full/);
    return false;
  });
  return { queued, refusal };
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

diskTest(
  'a full data disk stops the dispatch of new work and loses nothing; work continues once there is room',
  async (t) => {
    const folder = await temporaryFolder(t);
    const go_on = join(folder, 'go-on');
    const disk = mountDisk(t, join(folder, 'data'), 24);
    // Workers write to another disk: only that of the database is full.
    for (const name of ['workspaces', 'workers']) mountDisk(t, join(disk, name), 200);
    const whole = await startErrand(t, {
      runner: 'process',
      data_dir: disk,
      env: { ERRAND_DISK_FREE_MB_MIN: String(FREE_MB_MIN), ERRAND_WORKERS: '2' },
      model: countingOnce(go_on),
    });
    const ann = await whole.person('ann');
    const { api } = ann;
    const phone = ann.phone();
    const project_id = await whole.project(ann, 'adder', BROKEN);
    const { id } = await api.call('createTask', { body: { prompt: 'Wait', project_id } });
    await phone.until(({ events }) => events.some((event) => event.type === 'tool.started'));

    const makeRoom = fillDisk(disk);
    const fault = await until('the disk is found to be full', async () => {
      const response = await api.send('readyz', {});
      return response.status === 503 && (await response.json());
    });
    t.regex(JSON.stringify(fault), /checks\/disk.*nearly full: 0\.0 MB free; new errands wait until 10/);

    // A task that can still be stored is queued, and says why it waits; other writes are refused with the reason.
    const { queued, refusal } = await sendUntilRefused(t, ann, project_id);
    t.like(refusal, { code: 'unavailable', detail: "The server's disk is full.", retry_after: '5' });
    const login = await api.refused('login', { body: { email: 'ann@example.org', password: PASSWORD } });
    t.like(login, { code: 'unavailable', detail: "The server's disk is full." });
    t.is((await api.call('getTask', { params: { id } })).status, 'running');
    t.is((await api.call('healthz', {})).ok, true);

    // The running errand continues; its callbacks are refused for now.
    writeFileSync(go_on, '');
    await until("the worker's callbacks are refused", () =>
      whole.lines.some((line) => line.includes('worker call failed') && line.includes('disk is full')),
    );
    const replay = ann.phone();
    await replay.until(({ frames }) => frames.some((frame) => frame.type === 'caught_up'));
    t.deepEqual(replay.events, phone.events);
    t.is(phone.cuts, 0);

    makeRoom();
    t.is((await ended(ann, id)).status, 'succeeded');
    for (const task of queued) t.is((await ended(ann, task)).status, 'succeeded');
    t.like(await api.call('readyz', {}), { ready: true });
    const done = await api.call('getTask', { params: { id } });
    t.is(done.attempts.length, 1);
    await checkLog(t, ann, phone, id);
    const db = openDatabase(join(disk, 'errand.db'));
    t.is(db.pragma('integrity_check', { simple: true }), 'ok');
    db.close();
  },
);
