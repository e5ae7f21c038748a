import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import type { BackupDestination } from '../../../../coordinator/base/backup-destination.ts';
import { nameOf } from '../../../../coordinator/operations/backup/name.ts';
import { readBackupState } from '../../../../coordinator/operations/backup/state.ts';
import { readConfig } from '../../../../coordinator/base/config.ts';
import { lockBackups } from '../../../../coordinator/sqlite/data-lock.ts';
import { newestVersion } from '../../../../coordinator/sqlite/migrations.ts';
import { openDatabase } from '../../../../coordinator/sqlite/open-database.ts';
import { dataFolder, look, serverCommands } from '../../../support/backups.ts';
import { startProgram } from '../../../support/child.ts';
import { diskTest, fillDisk, mountDisk } from '../../../support/disk.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { startS3Stub } from '../../../support/s3-stub.ts';
import { swiftTest } from '../../../support/swift.ts';
import { until } from '../../../support/until.ts';

const WRITER = new URL('../../../support/event-writer.ts', import.meta.url).pathname;

async function folder(t: ExecutionContext): Promise<BackupDestination & { kind: 'folder' }> {
  return { kind: 'folder', path: join(await temporaryFolder(t), 'backups') };
}

/** Twice backs up a database that is being written, restores it elsewhere, and compares the two. */
async function underLoad(t: ExecutionContext, to: BackupDestination): Promise<void> {
  const data_dir = await temporaryFolder(t);
  const server = await serverCommands(t, data_dir, to);
  const writer = startProgram(t, WRITER, [data_dir]);
  const acknowledged = (): number => Number(writer.printed().split('\n').at(-2));
  await until('thousands of events are stored', () => acknowledged() > 5_000);
  for (const n of [1, 2]) {
    const before = acknowledged();
    const made = await server.run('backup');
    t.is(made.code, 0, made.stderr);
    await until('more events are stored', () => acknowledged() > before);

    const elsewhere = join(await temporaryFolder(t), 'data');
    const restored = await (await serverCommands(t, elsewhere, to)).run('restore');
    t.is(restored.code, 0, restored.stderr);
    const epoch = look(data_dir, (value) => value(`SELECT value FROM meta WHERE key = 'epoch'`));
    look(elsewhere, (value) => {
      const log = `FROM events WHERE seq IS NOT NULL`;
      const newest = Number(value(`SELECT max(id) ${log}`));
      t.log(`run ${n}: ${before} events before the backup, ${newest} in it, ${acknowledged()} soon after`);
      t.true(newest >= before);
      t.is(value(`SELECT count(*) ${log}`), Number(value(`SELECT max(seq) ${log}`)));
      t.is(value(`SELECT max(id) - min(id) + 1 = count(*) ${log}`), 1);
      t.is(value('PRAGMA integrity_check'), 'ok');
      t.not(value(`SELECT value FROM meta WHERE key = 'epoch'`), epoch);
      t.is(value(`SELECT count(*) FROM meta WHERE key = 'backup'`), 0);
    });
  }
  writer.signal('SIGKILL');
  await writer.exit;
  t.like(readBackupState(data_dir), { last_failure: null });
}

test('a backup under load has every event acknowledged before it: to a folder', async (t) => {
  await underLoad(t, await folder(t));
});

swiftTest('a backup under load has every event acknowledged before it: to a real store', underLoad);

test('a backup is one file, and leaves the data folder as it was', async (t) => {
  const [data_dir, to] = [await dataFolder(t), await folder(t)];
  const before = readdirSync(data_dir);
  const { code, stdout } = await (await serverCommands(t, data_dir, to)).run('backup');
  t.is(code, 0);
  const [name = '', ...others] = readdirSync(to.path);
  t.deepEqual(others, []);
  t.true(stdout.includes(name));
  t.is(statSync(join(to.path, name)).mode & 0o777, 0o600);
  t.like(readBackupState(data_dir), { last_good: { name }, last_failure: null });
  const made = ['backup.json', 'backup.lock', 'errand.db-shm', 'errand.db-wal'];
  t.deepEqual(
    readdirSync(data_dir).filter((other) => !made.includes(other)),
    before,
  );
  t.false(readFileSync(join(to.path, name)).includes(readFileSync(join(data_dir, 'keys.json'))));
});

test('removes expired backups, and nothing else', async (t) => {
  const [data_dir, to] = [await dataFolder(t), await folder(t)];
  mkdirSync(to.path);
  const [old, older] = [new Date('2020-01-01T10:00:00Z'), new Date('2020-01-01T09:00:00Z')];
  for (const at of [old, older]) writeFileSync(join(to.path, nameOf(at, '00'.repeat(32))), '');
  writeFileSync(join(to.path, 'notes.txt'), '');
  const { stdout } = await (await serverCommands(t, data_dir, to)).run('backup');
  t.regex(stdout, /; 1 old one was removed/);
  const left = readdirSync(to.path);
  t.is(left.length, 3);
  t.true(left.includes(nameOf(old, '00'.repeat(32))) && left.includes('notes.txt'));
});

swiftTest('a wrong key is reported without a secret', async (t, bucket) => {
  const data_dir = await dataFolder(t);
  const server = await serverCommands(t, data_dir, { ...bucket, secret_access_key: 'sesame-opens-nothing' });
  const { code, stderr } = await server.run('backup');
  t.is(code, 2);
  t.regex(stderr, /SignatureDoesNotMatch/);
  const state = readBackupState(data_dir);
  t.is(state.last_good, null);
  t.is(state.last_failure?.message, stderr.trim());
  t.false(JSON.stringify([state, stderr]).includes('sesame'));
});

test('a full store is reported', async (t) => {
  const [data_dir, stub] = [await dataFolder(t), await startS3Stub(t)];
  stub.fail({ status: 507, code: 'InsufficientStorage' });
  const { code, stderr } = await (await serverCommands(t, data_dir, stub.destination)).run('backup');
  t.is(code, 2);
  t.regex(stderr, /is full/);
  t.regex(readBackupState(data_dir).last_failure?.message ?? '', /is full/);
  t.false(existsSync(join(data_dir, 'backup-work')));
});

diskTest('a full disk at the destination is reported, and no unfinished file is left there', async (t) => {
  const [data_dir, path] = [await dataFolder(t), mountDisk(t, join(await temporaryFolder(t), 'disk'), 1)];
  fillDisk(path);
  const { code, stderr } = await (await serverCommands(t, data_dir, { kind: 'folder', path })).run('backup');
  t.is(code, 2);
  t.regex(stderr, /could not be written to .*: the disk is full \(ENOSPC\)/);
  t.deepEqual(readdirSync(path), ['filling']);
});

diskTest('a data disk without room is reported before anything is copied', async (t) => {
  const data_dir = await dataFolder(t, mountDisk(t, join(await temporaryFolder(t), 'disk'), 16));
  const to = await folder(t);
  const { code, stderr } = await (await serverCommands(t, data_dir, to)).run('backup');
  t.is(code, 2);
  t.regex(stderr, /has no room for a backup: it takes 50\d MB, and \d+ MB are free/);
  t.false(existsSync(to.path));
  t.false(existsSync(join(data_dir, 'backup-work')));
});

test('a run removes what a killed one left', async (t) => {
  const [data_dir, stub] = [await dataFolder(t), await startS3Stub(t)];
  const server = await serverCommands(t, data_dir, stub.destination);
  stub.fail('silent', { times: 1, method: 'PUT' });
  const running = server.start('backup');
  await until('it uploads', () => stub.requests.some((request) => request.startsWith('PUT')), 60_000);
  running.child.kill('SIGKILL');
  await running.ended;
  t.true(existsSync(join(data_dir, 'backup-work')));
  const { code, stderr } = await server.run('backup');
  t.is(code, 0, stderr);
  t.false(existsSync(join(data_dir, 'backup-work')));
  t.is(stub.objects.size, 1);
});

test('two backups never run at once', async (t) => {
  const [data_dir, to] = [await dataFolder(t), await folder(t)];
  const lock = lockBackups(data_dir);
  const server = await serverCommands(t, data_dir, to);
  const { code, stderr } = await server.run('backup');
  t.is(code, 2);
  t.regex(stderr, /^Another backup of .* is running\.$/m);
  lock?.release();
  t.is((await server.run('backup')).code, 0);
});

test('a damaged database is not stored as a backup', async (t) => {
  const [data_dir, to] = [await dataFolder(t), await folder(t)];
  const path = join(data_dir, 'errand.db');
  const bytes = readFileSync(path);
  bytes.fill(0x5a, 3 * 4096, 9 * 4096);
  writeFileSync(path, bytes);
  const { code, stderr } = await (await serverCommands(t, data_dir, to)).run('backup');
  t.is(code, 2);
  t.regex(stderr, /damaged/);
  t.false(existsSync(to.path));
});

test('says what is missing: the database, a valid destination, the keys of a bucket', async (t) => {
  const [data_dir, to] = [await temporaryFolder(t), await folder(t)];
  t.regex((await (await serverCommands(t, data_dir, to)).run('backup')).stderr, /There is no database in/);
  t.deepEqual(readdirSync(data_dir), []);
  t.throws(() => readConfig({ ERRAND_BACKUP_TO: 's3://Bad_Bucket/x', PORT: 'x' }), {
    message:
      /PORT[^]*neither the path of a folder nor s3[^]*AWS_ACCESS_KEY_ID is missing[^]*AWS_SECRET_ACCESS_KEY is missing/,
  });
  t.like(
    readConfig({
      ERRAND_BACKUP_TO: 's3://bucket/a/b/',
      AWS_ACCESS_KEY_ID: 'k',
      AWS_SECRET_ACCESS_KEY: 's',
      ERRAND_BACKUP_S3_REGION: 'eu-central-1',
    }).backup?.to,
    { bucket: 'bucket', prefix: 'a/b/', endpoint: 'https://s3.eu-central-1.amazonaws.com' },
  );
});

test('a migration keeps a copy of the database as it was, and removes older copies', async (t) => {
  const data_dir = await temporaryFolder(t);
  const path = join(data_dir, 'errand.db');
  const first = new Database(path);
  first.exec(
    readFileSync(new URL('../../../../coordinator/sqlite/migrations/0001-initial.sql', import.meta.url), 'utf8'),
  );
  first.pragma('user_version = 1');
  first.close();
  writeFileSync(`${path}.before-1`, '');
  openDatabase(path).close();
  const kept = readdirSync(data_dir).filter((name) => name.startsWith('errand.db.'));
  t.deepEqual(kept, [`errand.db.before-${newestVersion()}`]);
  const copy = new Database(join(data_dir, kept[0] ?? ''), { readonly: true });
  t.is(copy.pragma('user_version', { simple: true }), 1);
  copy.close();
  openDatabase(path).close();
  t.is(readdirSync(data_dir).filter((name) => name.startsWith('errand.db.')).length, 1);
});
