import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openDatabase } from '../../../coordinator/sqlite/open-database.ts';
import { newId } from '../../../protocol/ids.ts';
import { CoordinatorProcess } from '../../support/coordinator-process.ts';
import { CuttableDisk } from '../../support/cuttable-disk.ts';
import { powerTest } from '../../support/disk.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { until } from '../../support/until.ts';
import { setupCodeOf } from '../../support/setup-code.ts';

/*
 * The power fails while events are stored. The file system is cut off under the writer, which loses everything that was
 * written and not synced, in the database and in the WAL, and is then mounted again. Copying the two files would not
 * do: a checkpoint between the two copies makes a pair that no power failure leaves.
 *
 * The test proves that acknowledged events were synced, and that SQLite recovers a whole database from what is left. It
 * cannot prove that a real disk writes its own cache: here, what reached the device counts as safe.
 */

const ROUNDS = 5;
const ACKNOWLEDGED_MAX = 400;

/** Stores events, one to seven per turn of the event loop, and prints the number of each once it is acknowledged. */
const WRITER = `
  import { openDatabase } from ${JSON.stringify(new URL('../../../coordinator/sqlite/open-database.ts', import.meta.url).href)};
  import { EventLog } from ${JSON.stringify(new URL('../../../coordinator/sqlite/event-log.ts', import.meta.url).href)};
  import { SILENT } from ${JSON.stringify(new URL('../../support/silent.ts', import.meta.url).href)};
  import { addTask, addUser } from ${JSON.stringify(new URL('../../support/fixtures.ts', import.meta.url).href)};
  const log = new EventLog({ db: openDatabase(process.argv[1]), logger: SILENT });
  const user_id = addUser(log);
  const { id: task_id, created_at: at } = addTask(log, user_id);
  const add = (seq) =>
    log.enqueue((tx) => tx.append({ task_id, user_id, attempt: 1, seq, type: 'log', at, body: JSON.stringify('x'.repeat(3000)) }))
      .then(() => console.log(seq));
  for (let seq = 1; ; ) await Promise.all(Array.from({ length: 1 + (seq % 7) }, () => add(seq++)));
`;

powerTest('every event that was acknowledged before the power failed is there after it', async (t) => {
  for (let round = 0; round < ROUNDS; round++) {
    const folder = join(await temporaryFolder(t), 'power');
    const disk = new CuttableDisk(folder, 64);
    t.teardown(() => disk.remove());
    const path = join(disk.dir, 'errand.db');
    const child = spawn(process.execPath, ['--input-type=module', '--eval', WRITER, path], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const closed = once(child, 'close');
    let acknowledged = 0;
    createInterface(child.stdout).on('line', (line) => (acknowledged = Number(line)));
    const enough = 1 + Math.floor(Math.random() * ACKNOWLEDGED_MAX);
    await until(`${enough} events are acknowledged`, () => acknowledged >= enough, 90_000);
    const before = acknowledged;
    disk.cut();
    child.kill('SIGKILL');
    await closed;
    disk.remove();
    disk.mount();
    const db = openDatabase(path);
    const seqs = db.prepare<[], number>('SELECT seq FROM events WHERE seq IS NOT NULL ORDER BY seq').pluck().all();
    t.is(db.pragma('integrity_check', { simple: true }), 'ok');
    db.close();
    t.log(`${before} acknowledged, ${seqs.length} there`);
    t.true(seqs.length >= before, `${seqs.length} of ${before} in round ${round}`);
    t.deepEqual(
      seqs,
      seqs.map((_, index) => index + 1),
    );
  }
});

powerTest(
  'a server whose disk fails acknowledges nothing more, logs it and exits; the next start goes on',
  async (t) => {
    const folder = join(await temporaryFolder(t), 'power');
    const disk = new CuttableDisk(folder, 64);
    t.teardown(() => disk.remove());
    const settings = { ERRAND_RUNNER: 'process', ERRAND_DISK_FREE_MB_MIN: '1' };
    const server = CoordinatorProcess.start(t, disk.dir, { ...settings, ERRAND_SIGNUP: 'open' });
    const url = await server.url();
    const setup_code = setupCodeOf(disk.dir);
    const signUp = (name: string, at = url) =>
      fetch(`${at}/auth/signup`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          email: `${name}-${newId()}@example.org`,
          password: 'correct horse battery',
          setup_code,
        }),
      });
    t.is((await signUp('ann')).status, 201);
    disk.cut();
    t.not((await signUp('bob').catch(() => undefined))?.status, 201);
    const { code, stdout } = await server.ended;
    t.is(code, 1);
    t.regex(stdout, /The disk failed: the server must be started again\. All that was acknowledged was on disk before/);
    disk.remove();
    disk.mount();
    const again = CoordinatorProcess.start(t, disk.dir, settings);
    // The first account closes the door behind it: it is there still.
    t.is((await signUp('eve', await again.url())).status, 403);
  },
);
