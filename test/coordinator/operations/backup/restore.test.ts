import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import { newId } from '../../../../protocol/ids.ts';
import { nameOf } from '../../../../coordinator/operations/backup/name.ts';
import { restore } from '../../../../coordinator/operations/backup/restore.ts';
import { bindAttachment, insertAttachment } from '../../../../coordinator/sqlite/attachments.ts';
import { AttachmentFiles } from '../../../../coordinator/tasks/attachment-files.ts';
import { lockDataFolder } from '../../../../coordinator/sqlite/data-lock.ts';
import { openDatabase } from '../../../../coordinator/sqlite/open-database.ts';
import { contents, dataFolder, look, serverCommands } from '../../../support/backups.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { startS3Stub } from '../../../support/s3-stub.ts';

/** A data folder, a good backup of it, and the commands that use both. */
async function scene(t: ExecutionContext) {
  const [data_dir, path] = [await dataFolder(t), await temporaryFolder(t)];
  const server = await serverCommands(t, data_dir, { kind: 'folder', path });
  t.is((await server.run('backup')).code, 0);
  const [name = ''] = readdirSync(path);
  return { data_dir, path, name, server, bytes: readFileSync(join(path, name)) };
}

/** A copy of a backup with a changed database, and with the name that fits its content. */
function forged(bytes: Buffer, folder: string, change: (db: Database.Database) => void): string {
  const path = join(folder, 'forged.db');
  writeFileSync(path, gunzipSync(bytes));
  const db = new Database(path);
  change(db);
  db.close();
  const packed = gzipSync(readFileSync(path));
  rmSync(path);
  const name = nameOf(new Date('2030-01-01T00:00:00Z'), createHash('sha256').update(packed).digest('hex'));
  writeFileSync(join(folder, name), packed);
  return join(folder, name);
}

test('refuses a damaged, truncated, newer or foreign file, and leaves the data folder as it was', async (t) => {
  const { data_dir, path, name, server, bytes } = await scene(t);
  const flipped = Buffer.from(bytes);
  flipped[bytes.length >> 1] = (flipped[bytes.length >> 1] ?? 0) ^ 1;
  const elsewhere = await temporaryFolder(t);
  const put = (folder: string, file: string, content: Buffer): string => {
    mkdirSync(join(elsewhere, folder));
    writeFileSync(join(elsewhere, folder, file), content);
    return join(elsewhere, folder, file);
  };
  const cases: [what: string, file: string, words: RegExp][] = [
    [
      'a truncated file',
      put('a', name, bytes.subarray(0, bytes.length - 100)),
      /its checksum is not the one in its name/,
    ],
    ['a flipped byte', put('b', name, flipped), /its checksum is not the one in its name/],
    ['a truncated file of another name', put('c', 'mine.gz', bytes.subarray(0, -100)), /cannot be unpacked/],
    ['a flipped byte in a file of another name', put('d', 'mine.gz', flipped), /cannot be unpacked/],
    ['an empty file', put('e', 'mine.gz', Buffer.alloc(0)), /damaged/],
    ['no database', put('f', 'mine.gz', gzipSync('hello'.repeat(1000))), /not a database/],
    ['a newer one', forged(bytes, path, (db) => db.pragma('user_version = 99')), /is of version 99, newer than/],
    [
      'a missing row',
      forged(bytes, path, (db) => db.exec('DELETE FROM events')),
      /its rows are not those of its manifest/,
    ],
    [
      'no manifest',
      forged(bytes, path, (db) => db.exec(`DELETE FROM meta WHERE key = 'backup'`)),
      /not a backup of Errand: it has no manifest/,
    ],
    ['no file', join(elsewhere, 'nothing'), /There is no file/],
    ['an unknown name', nameOf(new Date(), '00'.repeat(32)), /There is no backup errand-/],
    ['another name', 'newest', /'newest' is not the name of a backup/],
  ];
  const before = contents(data_dir);
  for (const [what, file, words] of cases) {
    const { code, stderr } = await server.run('restore', file);
    t.is(code, 2, what);
    t.regex(stderr, words, what);
    t.notRegex(stderr, /\n {4}at /, what);
    t.deepEqual(contents(data_dir), before, what);
  }
});

test('refuses while the server runs', async (t) => {
  const { data_dir, server } = await scene(t);
  const before = contents(data_dir);
  const lock = lockDataFolder(data_dir);
  const { code, stderr } = await server.run('restore');
  lock?.release();
  t.is(code, 2);
  t.regex(stderr, /An Errand is running on the data folder .*\. Stop it first\./);
  t.deepEqual(contents(data_dir), before);
});

test('a download that is cut off replaces nothing', async (t) => {
  const [data_dir, stub] = [await dataFolder(t), await startS3Stub(t)];
  const server = await serverCommands(t, data_dir, stub.destination);
  t.is((await server.run('backup')).code, 0);
  const before = contents(data_dir);
  // The list arrives, but only half of the file.
  stub.fail('cut');
  const { code, stderr } = await server.run('restore');
  t.is(code, 2);
  t.regex(stderr, /could not be reached/);
  t.deepEqual(contents(data_dir), before);
});

test('restores the newest backup, reports it, and keeps the previous database', async (t) => {
  const { data_dir, name, server } = await scene(t);
  const epoch = look(data_dir, (value) => value(`SELECT value FROM meta WHERE key = 'epoch'`));
  const instance = look(data_dir, (value) => value(`SELECT value FROM meta WHERE key = 'instance'`));
  const db = openDatabase(join(data_dir, 'errand.db'));
  db.exec(`DELETE FROM events; UPDATE tasks SET title = 'since then'`);
  db.close();
  t.regex((await server.run('restore', '--list')).stdout, new RegExp(`^${name}  \\d{4}-\\d\\d-\\d\\d .*  \\d+ kB\n$`));
  const { code, stdout, stderr } = await server.run('restore');
  t.is(code, 0, stderr);
  t.true(stdout.includes(name));
  t.regex(stdout, /users 1, projects 0, tasks 1, events 1;/);
  t.regex(stdout, /Tasks that were under way and get a new attempt: 1\./);
  t.regex(stdout, /Errands in the queue: 1\. They start as soon as a server runs on this data\./);
  t.regex(
    stdout,
    /^These errands go on from what was pushed, if anything was, since their workspaces are not here as they were:\n  \w+  Fix it$/m,
  );
  t.notRegex(stdout, /keys\.json/);
  const [previous = ''] = readdirSync(data_dir).filter((other) => other.startsWith('before-restore-'));
  look(join(data_dir, previous), (value) => t.is(value('SELECT title FROM tasks'), 'since then'));
  t.false(existsSync(join(data_dir, 'restore-work')));
  look(data_dir, (value) => {
    t.is(value('SELECT title FROM tasks'), 'Fix it');
    t.is(value('SELECT status FROM tasks'), 'queued');
    t.is(value('SELECT workspace FROM tasks'), null);
    t.is(value('SELECT reason FROM attempts'), 'worker_lost');
    t.regex(String(value('SELECT detail FROM attempts')), /^The server was restored from a backup of 2\d{3}-/);
    t.not(value(`SELECT value FROM meta WHERE key = 'epoch'`), epoch);
    t.is(value(`SELECT value FROM meta WHERE key = 'instance'`), instance);
  });
});

test('reports what cannot be opened if the keys differ or are missing', async (t) => {
  const { data_dir, server } = await scene(t);
  rmSync(join(data_dir, 'keys.json'));
  const none = await server.run('restore');
  t.is(none.code, 0);
  t.regex(
    none.stdout,
    /keys\.json is missing or cannot be read\.\nEncrypted with those keys: the tokens and the environment of projects, linked accounts/,
  );
  const other = await dataFolder(t);
  renameSync(join(other, 'keys.json'), join(data_dir, 'keys.json'));
  t.regex((await server.run('restore')).stdout, /has other keys than the backup was made with/);
});

test('says how many files of errands are not there: a backup does not have them', async (t) => {
  const { data_dir, server } = await scene(t);
  const db = openDatabase(join(data_dir, 'errand.db'));
  const { id, user_id } = db.prepare('SELECT id, user_id FROM tasks').get() as { id: string; user_id: string };
  const files = ['sent', 'lost', 'unsent'].map((name) => ({ name, id: newId(), sha256: name.repeat(16) }));
  for (const { name, ...file } of files) {
    const row = { ...file, user_id, name, media_type: 'text/plain', bytes: 1, width: null, height: null };
    insertAttachment(db, { ...row, created_at: '2026-01-01T00:00:00.000Z' });
    if (name !== 'unsent') bindAttachment(db, { user_id, id: file.id, task_id: id, message_id: null });
  }
  db.close();
  t.is((await server.run('backup')).code, 0);
  const [sent] = files;
  const folder = join(data_dir, 'attachments', user_id);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, AttachmentFiles.nameOf(sent ?? { id: '', sha256: '' })), 'x');
  const { code, stdout } = await server.run('restore');
  t.is(code, 0);
  t.regex(stdout, /Files that people attached and that are not here: 1\. A backup does not have them/);
  t.true(stdout.includes(join(data_dir, 'attachments')));
  writeFileSync(join(folder, AttachmentFiles.nameOf(files[1] ?? { id: '', sha256: '' })), 'x');
  t.notRegex((await server.run('restore')).stdout, /attached/);
});

test('restores a plain database with its WAL, and gives it a new epoch', async (t) => {
  const { data_dir, server } = await scene(t);
  const path = join(data_dir, 'errand.db');
  const kept = join(data_dir, 'errand.db.before-9');
  const db = openDatabase(path);
  db.exec(`UPDATE tasks SET title = 'in the WAL'`);
  for (const suffix of ['', '-wal']) copyFileSync(path + suffix, kept + suffix);
  db.exec(`UPDATE tasks SET title = 'since then'`);
  const epoch = db.prepare(`SELECT value FROM meta WHERE key = 'epoch'`).pluck().get();
  db.close();
  const { code, stdout, stderr } = await server.run('restore', kept);
  t.is(code, 0, stderr);
  t.regex(stdout, /The backup errand\.db\.before-9 was restored/);
  t.notRegex(stdout, /keys\.json/);
  t.true(existsSync(kept));
  look(data_dir, (value) => {
    t.is(value('SELECT title FROM tasks'), 'in the WAL');
    t.is(value('SELECT reason FROM attempts'), 'worker_lost');
    t.not(value(`SELECT value FROM meta WHERE key = 'epoch'`), epoch);
  });
});

test('a newest backup that is broken says how to restore an older one', async (t) => {
  const { path, name, server, bytes } = await scene(t);
  const newer = nameOf(new Date(Date.now() - 1), '00'.repeat(32));
  writeFileSync(join(path, newer), bytes);
  const { code, stderr } = await server.run('restore');
  t.is(code, 2);
  t.regex(stderr, /is damaged: .*\nIt is the newest one.* errand restore --list shows the others: name an older one\./);
  t.is((await server.run('restore', name)).code, 0);
});

test('refuses a plain database that is damaged, newer, with an orphaned row, or not of Errand', async (t) => {
  const { data_dir, server } = await scene(t);
  const elsewhere = await temporaryFolder(t);
  const changed = (name: string, change: (db: Database.Database) => void): string => {
    const path = join(elsewhere, name);
    copyFileSync(join(data_dir, 'errand.db'), path);
    const db = new Database(path);
    db.pragma('foreign_keys = OFF');
    change(db);
    db.close();
    return path;
  };
  const damaged = changed('damaged', () => undefined);
  const bytes = readFileSync(damaged);
  writeFileSync(damaged, bytes.fill(0x5a, 3 * 4096, 9 * 4096));
  const other = new Database(join(elsewhere, 'other'));
  other.exec('CREATE TABLE x (y)');
  other.close();
  const before = contents(data_dir);
  for (const [file, words] of [
    [damaged, /damaged/],
    [changed('newer', (db) => db.pragma('user_version = 99')), /is of version 99, newer than/],
    [changed('orphan', (db) => db.exec('DELETE FROM users')), /refers to a row of users that does not exist/],
    [join(elsewhere, 'other'), /not a database of Errand/],
  ] as const) {
    const { code, stderr } = await server.run('restore', file);
    t.is(code, 2, file);
    t.regex(stderr, words);
    t.deepEqual(contents(data_dir), before, file);
  }
});

test('skips backups dated in the future, and reports them', async (t) => {
  const { path, name, server, bytes } = await scene(t);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const ahead = nameOf(new Date(Date.now() + 7 * 24 * 60 * 60 * 1000), sha256);
  writeFileSync(join(path, ahead), bytes);
  const newest = await server.run('restore');
  t.true(newest.stdout.includes(`The backup ${name} was restored`));
  t.regex(newest.stdout, /dated in the future and were skipped: 1\./);
  const named = await server.run('restore', ahead);
  t.true(named.stdout.includes(`The backup ${ahead} was restored`));
  t.notRegex(named.stdout, /skipped/);
  rmSync(join(path, name));
  t.regex((await server.run('restore')).stderr, /are dated in the future\. Is this machine's clock right\?/);
});

test('a lock that cannot be taken is reported, and the other lock is released', async (t) => {
  const { data_dir, server } = await scene(t);
  rmSync(join(data_dir, 'backup.lock'));
  mkdirSync(join(data_dir, 'backup.lock'));
  const words = /^The data folder .* could not be locked: the file cannot be opened \(SQLITE_CANTOPEN\)\.$/m;
  t.regex((await server.run('backup')).stderr, words);
  const config = { data_dir, free_bytes_min: 0 };
  await t.throwsAsync(restore(config, { file: 'nothing' }, new AbortController().signal), { message: words });
  const lock = lockDataFolder(data_dir);
  t.truthy(lock);
  lock?.release();
});
