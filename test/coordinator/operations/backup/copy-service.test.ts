import { existsSync, mkdirSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { open as openFile, type FileHandle } from 'node:fs/promises';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createLogger } from '../../../../coordinator/base/logger.ts';
import test, { type ExecutionContext } from 'ava';
import {
  copyByServer,
  copyPath,
  CopyService,
  workFolder,
} from '../../../../coordinator/operations/backup/copy-service.ts';
import { copyInSteps, openCopy } from '../../../../coordinator/sqlite/copy.ts';
import { EventLog } from '../../../../coordinator/sqlite/event-log.ts';
import { findAnyDamage } from '../../../../coordinator/sqlite/integrity.ts';
import { openTestDatabase } from '../../../support/test-database.ts';
import { WAL_BYTES } from '../../../../coordinator/sqlite/wal-room.ts';
import { addTask, addUser } from '../../../support/fixtures.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { SILENT } from '../../../support/silent.ts';
import { until } from '../../../support/until.ts';

const MB = 1024 * 1024;
const never = new AbortController().signal;

/** A database of some megabytes, with a function that stores another half megabyte. */
async function open(t: ExecutionContext) {
  const data_dir = await temporaryFolder(t);
  const db = openTestDatabase(join(data_dir, 'errand.db'));
  t.teardown(() => db.close());
  const log = new EventLog({ db, logger: SILENT });
  const user_id = addUser(log);
  const { id: task_id, created_at: at } = addTask(log, user_id);
  const body = `"${'x'.repeat(MB / 2)}"`;
  const add = () => log.write((tx) => tx.append({ task_id, user_id, attempt: 1, seq: null, type: 'log', at, body }));
  for (let i = 0; i < 120; i++) add();
  mkdirSync(workFolder(data_dir));
  return { data_dir, db, add };
}

/** The newest event in a copy, which must be whole and have all events before it. */
function newestIn(t: ExecutionContext, path: string): number {
  const copy = openCopy(path);
  t.is(findAnyDamage(copy), null);
  const newest = copy.prepare('SELECT max(id) FROM events HAVING max(id) = count(*)').pluck().get();
  copy.close();
  return Number(newest);
}

/** Lets the syncs fail that `fails` names by their number, as on a broken disk. Returns the function that ends it. */
async function failSyncs(dir: string, fails: (n: number) => boolean): Promise<() => void> {
  const file = await openFile(join(dir, 'any'), 'w');
  const prototype = Object.getPrototypeOf(file) as FileHandle;
  await file.close();
  const original = Object.getOwnPropertyDescriptor(prototype, 'datasync') ?? {};
  let count = 0;
  prototype.datasync = function (this: FileHandle) {
    return fails(++count) ? Promise.reject(new Error('EIO: the disk failed')) : this.sync();
  };
  return () => void Object.defineProperty(prototype, 'datasync', original);
}

/** What this process has open. */
function openPaths(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      // The folder itself: closed meanwhile.
      return [];
    }
  });
}

test('a copy in steps has every write that was made meanwhile, and the WAL does not grow', async (t) => {
  const { data_dir, db, add } = await open(t);
  const wal = () => statSync(join(data_dir, 'errand.db-wal')).size / MB;
  const before = add().id;
  let wal_max = 0;
  const done = new AbortController();
  const copied = copyInSteps(db, copyPath(data_dir), never).finally(() => done.abort());
  while (!done.signal.aborted) {
    add();
    wal_max = Math.max(wal_max, wal());
    await new Promise((resolve) => setImmediate(resolve));
  }
  await copied;
  const added_mb = (newestIn(t, copyPath(data_dir)) - before) / 2;
  t.true(added_mb > (2 * WAL_BYTES) / MB, `${added_mb} MB`);
  t.true(wal_max < WAL_BYTES / MB, `${wal_max} MB`);
});

test('a copy in steps ends when it is aborted', async (t) => {
  const { data_dir, db, add } = await open(t);
  const abort = new AbortController();
  const copied = copyInSteps(db, copyPath(data_dir), abort.signal);
  setImmediate(() => abort.abort());
  await t.throwsAsync(copied, { name: 'AbortError' });
  t.notThrows(add);
});

for (const [when, fails] of Object.entries({ first: (n: number) => n === 1, last: (n: number) => n > 1 }))
  test.serial(`a copy in steps fails with the error of its ${when} sync, and closes its file`, async (t) => {
    const { data_dir, db } = await open(t);
    const restore = await failSyncs(data_dir, fails);
    t.teardown(restore);
    const path = copyPath(data_dir);
    await t.throwsAsync(copyInSteps(db, path, never), { message: 'EIO: the disk failed' });
    restore();
    t.false(openPaths().includes(path));
  });

test('a backup asks the running server for a copy, and copies by itself where none runs', async (t) => {
  const { data_dir, db, add } = await open(t);
  t.false(await copyByServer(data_dir, never));
  const service = new CopyService({ db, data_dir, logger: SILENT });
  await service.start();
  t.is(statSync(join(data_dir, 'copy.sock')).mode & 0o777, 0o600);
  const { id } = add();
  t.true(await copyByServer(data_dir, never));
  t.is(newestIn(t, copyPath(data_dir)), id);
  await t.throwsAsync(Promise.all([copyByServer(data_dir, never), copyByServer(data_dir, never)]), {
    message: /another copy/,
  });
  await service.stop();
  t.false(await copyByServer(data_dir, never));
});

test('a server that stops, or a folder that is gone, fails the copy with the reason', async (t) => {
  const { data_dir, db } = await open(t);
  const service = new CopyService({ db, data_dir, logger: SILENT });
  await service.start();
  const copied = copyByServer(data_dir, never);
  await until('the copy has begun', () => existsSync(copyPath(data_dir)));
  await service.stop();
  await t.throwsAsync(copied, { name: 'BackupError', message: /could not copy its database/ });
});

test('a data folder whose path is too long for a socket is backed up as if no server ran', async (t) => {
  const { db } = await open(t);
  const data_dir = join(await temporaryFolder(t), 'x'.repeat(120));
  mkdirSync(data_dir);
  const lines: string[] = [];
  const service = new CopyService({
    db,
    data_dir,
    logger: createLogger('warn', { write: (line) => lines.push(line) }),
  });
  await service.start();
  t.regex(lines.join(), /backups cannot ask for a copy/);
  t.false(await copyByServer(data_dir, never));
  await service.stop();
});

test('the server stops although a client that has its answer does not close its end', async (t) => {
  const { data_dir, db } = await open(t);
  const service = new CopyService({ db, data_dir, logger: SILENT });
  await service.start();
  const client = connect({ path: join(data_dir, 'copy.sock'), allowHalfOpen: true });
  t.teardown(() => client.destroy());
  client.on('error', () => undefined).resume();
  await once(client, 'end');
  await t.notThrowsAsync(service.stop());
});
