import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { checkInBackground } from '../../../coordinator/operations/check-database.ts';
import { ConfigError } from '../../../coordinator/base/config.ts';
import { openDataFolder, type DataFolder } from '../../../coordinator/operations/data-folder.ts';
import { DispatchGate } from '../../../coordinator/tasks/dispatch-gate.ts';
import { EventLog } from '../../../coordinator/sqlite/event-log.ts';
import { insertApiToken } from '../../../coordinator/sqlite/api-tokens.ts';
import { listAudit } from '../../../coordinator/sqlite/audit.ts';
import { insertLinkCode } from '../../../coordinator/sqlite/link-codes.ts';
import { insertRefreshToken } from '../../../coordinator/sqlite/refresh-tokens.ts';
import { newId } from '../../../protocol/ids.ts';
import { createLogger } from '../../../coordinator/base/logger.ts';
import { openDatabase } from '../../../coordinator/sqlite/open-database.ts';
import { CoordinatorProcess } from '../../support/coordinator-process.ts';
import { diskTest, fillDisk, mountDisk } from '../../support/disk.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { addTask, addUser } from '../../support/fixtures.ts';
import { until } from '../../support/until.ts';
import { SILENT } from '../../support/silent.ts';

/** A data folder that a server has used; `crashed`: as a kill leaves it, with a WAL file. */
async function usedFolder(t: ExecutionContext, end: 'crashed' | 'stopped'): Promise<string> {
  const dir = await temporaryFolder(t);
  const path = join(dir, 'errand.db');
  const db = openDatabase(path);
  const log = new EventLog({ db, logger: SILENT });
  const user_id = addUser(log);
  for (let i = 0; i < 200; i++) addTask(log, user_id, { prompt: 'x'.repeat(2_000) });
  db.pragma('wal_checkpoint(TRUNCATE)');
  addTask(log, user_id);
  if (end === 'stopped') {
    db.close();
    return dir;
  }
  const left = await temporaryFolder(t);
  for (const name of ['errand.db', 'errand.db-wal']) copyFileSync(join(dir, name), join(left, name));
  db.close();
  return left;
}

/** Opens the folder as a server does, and closes it again. */
async function open(dir: string): Promise<Pick<DataFolder, 'unchecked' | 'new_keys'>> {
  await using opened = new AsyncDisposableStack();
  const { unchecked, new_keys } = openDataFolder(dir, opened);
  return { unchecked, new_keys };
}

/** Overwrites pages in the middle of the database. */
function corrupt(dir: string): void {
  const path = join(dir, 'errand.db');
  const bytes = readFileSync(path);
  bytes.fill(0xa5, 8 * 4096, 40 * 4096);
  writeFileSync(path, bytes);
}

const DAMAGED = /database .*errand\.db is damaged \(.+\)\. It was not changed\.\n.*`errand restore`/;

test('opens the folder after a clean stop and after a crash', async (t) => {
  for (const end of ['stopped', 'crashed'] as const) {
    const dir = await usedFolder(t, end);
    t.deepEqual(await open(dir), { unchecked: false, new_keys: true }, 'keys.json is missing');
    t.deepEqual(await open(dir), { unchecked: false, new_keys: false });
  }
  t.deepEqual(await open(join(await temporaryFolder(t), 'new', 'one')), { unchecked: false, new_keys: false });
});

test('new keys end all log-ins, API tokens and links, and the audit log tells of it', async (t) => {
  const dir = await usedFolder(t, 'stopped');
  await open(dir);
  const db = openDatabase(join(dir, 'errand.db'));
  t.teardown(() => db.close());
  const user_id = String(db.prepare('SELECT id FROM users').pluck().get());
  const row = { id: newId(), user_id, hash: 'x', created_at: '2026-01-01', expires_at: '2099-01-01' };
  insertApiToken(db, { ...row, name: 'CI', scopes: '["read"]' });
  insertLinkCode(db, { ...row, kind: 'login', session: null });
  const { id: family, ...token } = row;
  insertRefreshToken(db, {
    ...token,
    family,
    began_at: '2026-01-01',
    proven_at: null,
    user_agent: null,
    address: null,
    name: null,
  });
  const tables = ['refresh_tokens', 'api_tokens', 'link_codes'];
  const counts = () => tables.map((name) => db.prepare(`SELECT count(*) FROM ${name}`).pluck().get());
  await open(dir);
  t.deepEqual(counts(), [1, 1, 1], 'a restart alone ends nothing');
  const keys = readFileSync(join(dir, 'keys.json'));
  writeFileSync(join(dir, 'keys.json'), '');
  await t.throwsAsync(open(dir), { message: /keys\.json is not a valid keys file/ });
  t.deepEqual(counts(), [1, 1, 1], 'a file that was lost in a copy can be put back');
  writeFileSync(join(dir, 'keys.json'), keys);
  rmSync(join(dir, 'keys.json'));
  await open(dir);
  t.deepEqual(counts(), [0, 0, 0]);
  t.is(listAudit(db, { limit: 1 })[0]?.action, 'keys.created');
});

const DAMAGES: [string, (dir: string) => void][] = [
  ['not SQLite', (dir) => writeFileSync(join(dir, 'errand.db'), 'not a database, but as long as one'.repeat(200))],
  ['truncated', (dir) => truncateSync(join(dir, 'errand.db'), 30 * 4096)],
  ['corrupted', corrupt],
];
for (const [what, damage] of DAMAGES)
  test(`a database that is ${what} stops the start with an explanation and stays unchanged`, async (t) => {
    const dir = await usedFolder(t, 'crashed');
    damage(dir);
    const before = readFileSync(join(dir, 'errand.db'));
    await t.throwsAsync(open(dir), { instanceOf: ConfigError, message: DAMAGED });
    t.true(before.equals(readFileSync(join(dir, 'errand.db'))));
  });

test('refuses a database of a newer version', async (t) => {
  const dir = await usedFolder(t, 'stopped');
  const db = openDatabase(join(dir, 'errand.db'));
  db.pragma('user_version = 9999');
  db.close();
  await t.throwsAsync(open(dir), {
    instanceOf: ConfigError,
    message: /to version 9999; this Errand knows versions up to/,
  });
});

test('an invalid keys file stops the start with an explanation and stays unchanged', async (t) => {
  const dir = await usedFolder(t, 'stopped');
  writeFileSync(join(dir, 'keys.json'), '{"access":"abc"');
  await t.throwsAsync(open(dir), { instanceOf: ConfigError, message: /keys\.json is not a valid keys file/ });
  t.is(readFileSync(join(dir, 'keys.json'), 'utf8'), '{"access":"abc"');
});

test('a folder or database that another process has locked stops the start with an explanation', async (t) => {
  const dir = await usedFolder(t, 'stopped');
  await using opened = new AsyncDisposableStack();
  const { db } = openDataFolder(dir, opened);
  await t.throwsAsync(open(dir), { instanceOf: ConfigError, message: /Another Errand is running/ });
  db.pragma('locking_mode = EXCLUSIVE');
  db.exec('BEGIN IMMEDIATE; COMMIT');
  const other = await usedFolder(t, 'stopped');
  const held = openDatabase(join(other, 'errand.db'));
  t.teardown(() => held.close());
  held.pragma('journal_mode = DELETE');
  held.exec('BEGIN EXCLUSIVE');
  await t.throwsAsync(open(other), { instanceOf: ConfigError, message: /Another process has locked the database/ });
});

test('a path that is a file, below one, or behind a link that leads nowhere is refused with what to do', async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'file');
  writeFileSync(file, '');
  symlinkSync(join(folder, 'nowhere', 'else'), join(folder, 'link'));
  for (const [dir, advice] of [
    [file, /A file is where a folder should be/],
    [join(file, 'data'), /A file is where a folder should be/],
    [join(folder, 'link'), /A part of the path cannot be followed/],
  ] as const) {
    const error = await t.throwsAsync(open(dir), { instanceOf: ConfigError, message: /cannot use its data folder/ });
    t.regex(error?.message ?? '', advice);
    t.notRegex(error?.message ?? '', /owner/);
  }
});

diskTest('a read-only folder stops the start with an explanation', async (t) => {
  const disk = mountDisk(t, join(await temporaryFolder(t), 'disk'), 8);
  await open(disk);
  execFileSync('mount', ['-o', 'remount,ro', disk]);
  await t.throwsAsync(open(disk), {
    instanceOf: ConfigError,
    message: /cannot use its data folder .*\nIts disk is read-only/,
  });
});

diskTest(
  'a full disk stops the first start with an explanation and leaves no partial file; with space the start succeeds',
  async (t) => {
    const disk = mountDisk(t, join(await temporaryFolder(t), 'disk'), 8);
    const makeRoom = fillDisk(disk);
    await t.throwsAsync(open(disk), { instanceOf: ConfigError, message: /is full: free some space/ });
    t.false(existsSync(join(disk, 'keys.json')));
    makeRoom();
    await open(disk);
    const db = openDatabase(join(disk, 'errand.db'));
    fillDisk(disk);
    db.close();
    // Also what the files beside the database took.
    fillDisk(disk);
    await t.throwsAsync(open(disk), { instanceOf: ConfigError, message: /is full: free some space/ });
  },
);

test('the background check holds dispatch if the database is damaged', async (t) => {
  const [intact, damaged] = [await usedFolder(t, 'crashed'), await usedFolder(t, 'crashed')];
  corrupt(damaged);
  const lines: string[] = [];
  const logger = createLogger('info', { write: (line) => void lines.push(line) });
  const gate = new DispatchGate(logger);
  t.teardown(checkInBackground(join(intact, 'errand.db'), gate, logger));
  await until('the intact database passes', () => lines.some((line) => line.includes('database check passed')));
  t.is(gate.fault, null);
  t.teardown(checkInBackground(join(damaged, 'errand.db'), gate, logger));
  await until('the damage is found', () => gate.of('database'));
  t.regex(gate.of('database') ?? '', DAMAGED);
});

test('the process exits with code 1 and prints only the explanation', async (t) => {
  const dir = await usedFolder(t, 'crashed');
  corrupt(dir);
  mkdirSync(join(dir, 'workspaces'));
  const { code, stdout, stderr } = await CoordinatorProcess.start(t, dir, { ERRAND_RUNNER: 'process' }).ended;
  t.deepEqual([code, stdout], [1, '']);
  t.regex(stderr, DAMAGED);
  t.notRegex(stderr, /\n\s+at /);
  t.true(statSync(join(dir, 'errand.db')).size > 0);
});

test('the data folder and the files in it are closed to other users, whatever modes they had', async (t) => {
  const dir = await usedFolder(t, 'crashed');
  await open(dir);
  for (const name of ['workers', 'workspaces']) mkdirSync(join(dir, name));
  writeFileSync(join(dir, 'of-somebody'), 'x');
  for (const name of readdirSync(dir)) chmodSync(join(dir, name), 0o777);
  chmodSync(dir, 0o777);
  await using opened = new AsyncDisposableStack();
  openDataFolder(dir, opened);
  const mode = (name: string) => (statSync(join(dir, name)).mode & 0o777).toString(8);
  const modes = Object.fromEntries(readdirSync(dir).map((name) => [name, mode(name)]));
  t.is(mode('.'), '700');
  t.is(modes['of-somebody'], '777');
  for (const [name, is] of Object.entries(modes))
    if (name !== 'of-somebody') t.is(is, name.startsWith('work') ? '700' : '600', name);
  t.true('errand.db-wal' in modes);
});

test('a new data folder is closed to other users', async (t) => {
  const dir = join(await temporaryFolder(t), 'new');
  await using opened = new AsyncDisposableStack();
  const { db } = openDataFolder(dir, opened);
  db.pragma('user_version');
  for (const name of readdirSync(dir)) t.is((statSync(join(dir, name)).mode & 0o077).toString(8), '0', name);
  t.is(statSync(dir).mode & 0o777, 0o700);
});
