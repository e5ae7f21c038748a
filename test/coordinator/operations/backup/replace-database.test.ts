import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  checkInterruptedRestore,
  replaceDatabase,
} from '../../../../coordinator/operations/backup/replace-database.ts';
import { dataFolder, look, serverCommands } from '../../../support/backups.ts';
import { temporaryFolder } from '../../../support/folder.ts';

const AT = new Date('2026-01-01T00:00:00Z');
const INTERRUPTED = /a restore was interrupted\. Run it again \(errand restore\)\. Or, to keep the previous database/;

/** A data folder with a backup, whose restore was interrupted after it had moved all files of the previous database. */
async function interrupted(t: ExecutionContext) {
  const [data_dir, path] = [await dataFolder(t), await temporaryFolder(t)];
  const server = await serverCommands(t, data_dir, { kind: 'folder', path });
  t.is((await server.run('backup')).code, 0);
  writeFileSync(join(data_dir, 'errand.db-wal'), 'the newest rows');
  await t.throwsAsync(replaceDatabase(data_dir, join(data_dir, 'nothing'), AT), { code: 'ENOENT' });
  const [previous = ''] = previousFolders(data_dir);
  return { data_dir, server, previous: join(data_dir, previous) };
}

const previousFolders = (data_dir: string): string[] =>
  readdirSync(data_dir).filter((name) => name.startsWith('before-'));

test('an interrupted restore is reported at the start, and the next one completes it', async (t) => {
  const { data_dir, server, previous } = await interrupted(t);
  t.false(existsSync(join(data_dir, 'errand.db')));
  t.regex(checkInterruptedRestore(data_dir) ?? '', INTERRUPTED);
  t.true(checkInterruptedRestore(data_dir)?.includes(previous));
  const { code, stdout } = await server.run('restore');
  t.is(code, 0);
  t.true(stdout.includes(previous));
  t.is(readFileSync(join(previous, 'errand.db-wal'), 'utf8'), 'the newest rows');
  t.is(checkInterruptedRestore(data_dir), null);
  look(data_dir, (value) => t.is(value('PRAGMA integrity_check'), 'ok'));
  t.deepEqual(
    readdirSync(data_dir).filter((name) => name.startsWith('restore-')),
    [],
  );
});

test('a WAL that an interrupted restore left follows its database, and overwrites no other', async (t) => {
  const { data_dir, server, previous } = await interrupted(t);
  renameSync(join(previous, 'errand.db-wal'), join(data_dir, 'errand.db-wal'));
  // A folder that a fast clock named.
  const later = join(data_dir, 'before-restore-20300101T000000Z');
  mkdirSync(later);
  writeFileSync(join(later, 'errand.db-wal'), 'the rows of another');
  t.true(checkInterruptedRestore(data_dir)?.includes(previous));
  t.is((await server.run('restore')).code, 0);
  t.is(readFileSync(join(previous, 'errand.db-wal'), 'utf8'), 'the newest rows');
  t.is(readFileSync(join(later, 'errand.db-wal'), 'utf8'), 'the rows of another');
});

test('a previous database that was moved back is used, and the next restore makes a new folder', async (t) => {
  const { data_dir, server, previous } = await interrupted(t);
  for (const name of readdirSync(previous)) renameSync(join(previous, name), join(data_dir, name));
  mkdirSync(join(data_dir, 'restore-work'));
  t.is(checkInterruptedRestore(data_dir), null);
  t.false(existsSync(join(data_dir, 'restore-work')));
  t.is((await server.run('restore')).code, 0);
  t.deepEqual(readdirSync(previous), []);
  t.is(previousFolders(data_dir).length, 2);
});

test('restores within one second use different folders', async (t) => {
  const data_dir = await temporaryFolder(t);
  const restored = join(data_dir, 'restored');
  for (const text of ['first', 'second', 'third']) {
    writeFileSync(restored, text);
    await replaceDatabase(data_dir, restored, AT);
  }
  const names = ['before-restore-20260101T000000Z', 'before-restore-20260101T000000Z-2'];
  t.deepEqual(previousFolders(data_dir), names);
  t.deepEqual(
    names.map((name) => readFileSync(join(data_dir, name, 'errand.db'), 'utf8')),
    ['first', 'second'],
  );
});
