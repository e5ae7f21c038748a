import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test from 'ava';
import { EventLog } from '../../../coordinator/sqlite/event-log.ts';
import { openDatabase } from '../../../coordinator/sqlite/open-database.ts';
import { WAL_BYTES, WalRoom } from '../../../coordinator/sqlite/wal-room.ts';
import { CuttableDisk } from '../../support/cuttable-disk.ts';
import { fillDisk, powerTest } from '../../support/disk.ts';
import { addTask, addUser } from '../../support/fixtures.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { SILENT } from '../../support/silent.ts';
import { until } from '../../support/until.ts';

const MB = 1024 * 1024;
const URGENT = 200;
/** How much of the WAL is in use when the disk gets full: nothing, a little, and all that waits for a checkpoint. */
const PENDING_MB = [0, 1, 15];

const moduleAt = (path: string) => JSON.stringify(new URL(`../../../${path}`, import.meta.url).href);
/** Prepares, and once it is told that the disk is full, tries each kind of write. Prints what was acknowledged. */
const WRITER = `
  import { openDatabase } from ${moduleAt('coordinator/sqlite/open-database.ts')};
  import { EventLog } from ${moduleAt('coordinator/sqlite/event-log.ts')};
  import { WalRoom } from ${moduleAt('coordinator/sqlite/wal-room.ts')};
  import { SILENT } from ${moduleAt('test/support/silent.ts')};
  import { addTask, addUser } from ${moduleAt('test/support/fixtures.ts')};
  const db = openDatabase(process.argv[1]);
  const room = new WalRoom(db, 500 * ${MB});
  const log = new EventLog({ db, logger: SILENT, room });
  const user_id = addUser(log);
  const { id: task_id, created_at: at } = addTask(log, user_id);
  const row = (seq, chars) => ({ task_id, user_id, attempt: 1, seq, type: 'log', at, body: JSON.stringify('x'.repeat(chars)) });
  room.keep();
  db.pragma('wal_checkpoint(RESTART)');
  for (let i = 0; i < process.argv[2] * 10; i++) log.write((tx) => tx.append(row(1000 + i, 100_000)));
  console.log('ready');
  process.stdin.once('data', async () => {
    const refused = async (act) => { try { await act(); console.log('NOT REFUSED'); } catch (error) { console.log('refused ' + error.message); } };
    await refused(() => log.write((tx) => tx.append(row(9001, 10))));
    await refused(() => log.enqueue((tx) => tx.append(row(9002, 10))));
    await log.enqueue(() => undefined);
    for (let seq = 1; seq <= ${URGENT}; seq++) {
      log.write((tx) => tx.append(row(seq, 2000)), { urgent: true });
      console.log(String(seq));
    }
  });
`;

for (const pending_mb of PENDING_MB)
  powerTest(
    `on a disk that is full to the last byte and stays so, urgent writes are durable and others are refused, with ${pending_mb} MB in the WAL`,
    async (t) => {
      const folder = join(await temporaryFolder(t), 'full');
      const disk = new CuttableDisk(folder, 96);
      t.teardown(() => disk.remove());
      const path = join(disk.dir, 'errand.db');
      const child = spawn(process.execPath, ['--input-type=module', '--eval', WRITER, path, String(pending_mb)]);
      const closed = once(child, 'close');
      const lines: string[] = [];
      createInterface(child.stdout).on('line', (line) => lines.push(line));
      await until('the writer is ready', () => lines.includes('ready'), 60_000);
      fillDisk(disk.dir);
      // Whatever becomes free is taken at once.
      const hog = spawn('sh', ['-c', 'while :; do cat /dev/zero >> taken; done'], { cwd: disk.dir, stdio: 'ignore' });
      child.stdin.write('go\n');
      await until('all urgent writes are acknowledged', () => lines.at(-1) === String(URGENT), 60_000);
      hog.kill('SIGKILL');
      await once(hog, 'close');
      disk.cut();
      child.kill('SIGKILL');
      await closed;
      t.deepEqual(lines.slice(1, 3), Array(2).fill("refused The server's disk is full."));
      disk.remove();
      disk.mount();
      for (const name of ['filling', 'taken']) rmSync(join(disk.dir, name), { force: true });
      const db = openDatabase(path);
      t.is(db.prepare('SELECT count(*) FROM events WHERE seq BETWEEN 1 AND 999').pluck().get(), URGENT);
      t.is(db.pragma('integrity_check', { simple: true }), 'ok');
      const room = new WalRoom(db, MB);
      t.deepEqual(room.keep(), { ready: true, low: false });
      const log = new EventLog({ db, logger: SILENT, room });
      t.notThrows(() => addTask(log, addUser(log)));
      db.close();
    },
  );

test('the reserve keeps what is in the WAL, and its size through writes and checkpoints', async (t) => {
  const path = join(await temporaryFolder(t), 'errand.db');
  const db = openDatabase(path);
  t.teardown(() => db.close());
  const log = new EventLog({ db, logger: SILENT });
  const room = new WalRoom(db, MB);
  const user_id = addUser(log);
  t.true(room.keep().ready);
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 20; i++) addTask(log, user_id, { prompt: 'x'.repeat(30_000) });
    t.true(room.keep().ready);
    t.true(statSync(`${path}-wal`).size >= WAL_BYTES);
  }
  db.pragma('wal_checkpoint(TRUNCATE)');
  t.is(statSync(`${path}-wal`).size, 0);
  t.true(room.keep().ready);
  addTask(log, user_id);
  const other = openDatabase(path);
  t.is(other.prepare('SELECT count(*) FROM tasks').pluck().get(), 401);
  t.is(other.pragma('integrity_check', { simple: true }), 'ok');
  other.close();
});

powerTest('a disk with little space gets no reserve that would fill it', async (t) => {
  const disk = new CuttableDisk(join(await temporaryFolder(t), 'small'), 24);
  t.teardown(() => disk.remove());
  const db = openDatabase(join(disk.dir, 'errand.db'));
  t.deepEqual(new WalRoom(db, 8 * MB).keep(), { ready: false, low: false });
  db.close();
});
