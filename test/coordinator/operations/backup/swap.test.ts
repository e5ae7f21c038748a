import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { cutOffRestore, swapDatabase } from '../../../../coordinator/operations/backup/swap.ts';
import { dataFolder, look, serverCommands } from '../../../support/backups.ts';
import { temporaryFolder } from '../../../support/folder.ts';

const AT = new Date('2026-01-01T00:00:00Z');
const CUT_OFF = /a restore was cut off\. Run it again \(errand restore\); or, to have/;

/** A data folder with a backup, whose restore was cut off when all files of before had been moved: there was nothing to be put in their place. */
async function cutOff(t: ExecutionContext) {
  const [data_dir, path] = [await dataFolder(t), await temporaryFolder(t)];
  const server = await serverCommands(t, data_dir, { kind: 'folder', path });
  t.is((await server.run('backup')).code, 0);
  writeFileSync(join(data_dir, 'errand.db-wal'), 'what was written last');
  await t.throwsAsync(swapDatabase(data_dir, join(data_dir, 'nothing'), AT), { code: 'ENOENT' });
  const [aside = ''] = asides(data_dir);
  return { data_dir, server, aside: join(data_dir, aside) };
}

const asides = (data_dir: string): string[] => readdirSync(data_dir).filter((name) => name.startsWith('before-'));

test('a restore that was cut off once all was moved is told of at the start, and the next one tells where it is', async (t) => {
  const { data_dir, server, aside } = await cutOff(t);
  t.false(existsSync(join(data_dir, 'errand.db')));
  t.regex(cutOffRestore(data_dir) ?? '', CUT_OFF);
  t.true(cutOffRestore(data_dir)?.includes(aside));
  const { code, stdout } = await server.run('restore');
  t.is(code, 0);
  t.true(stdout.includes(aside));
  t.is(readFileSync(join(aside, 'errand.db-wal'), 'utf8'), 'what was written last');
  t.is(cutOffRestore(data_dir), null);
  look(data_dir, (value) => t.is(value('PRAGMA integrity_check'), 'ok'));
  t.deepEqual(
    readdirSync(data_dir).filter((name) => name.startsWith('restore-')),
    [],
  );
});

test('one that was cut off before the WAL was moved brings it to its database, and overwrites no other', async (t) => {
  const { data_dir, server, aside } = await cutOff(t);
  renameSync(join(aside, 'errand.db-wal'), join(data_dir, 'errand.db-wal'));
  // Of a clock that ran ahead.
  const later = join(data_dir, 'before-restore-20300101T000000Z');
  mkdirSync(later);
  writeFileSync(join(later, 'errand.db-wal'), 'of another one');
  t.true(cutOffRestore(data_dir)?.includes(aside));
  t.is((await server.run('restore')).code, 0);
  t.is(readFileSync(join(aside, 'errand.db-wal'), 'utf8'), 'what was written last');
  t.is(readFileSync(join(later, 'errand.db-wal'), 'utf8'), 'of another one');
});

test('the database of before that was moved back is served, and the next restore begins a folder of its own', async (t) => {
  const { data_dir, server, aside } = await cutOff(t);
  for (const name of readdirSync(aside)) renameSync(join(aside, name), join(data_dir, name));
  mkdirSync(join(data_dir, 'restore-work'));
  t.is(cutOffRestore(data_dir), null);
  t.false(existsSync(join(data_dir, 'restore-work')));
  t.is((await server.run('restore')).code, 0);
  t.deepEqual(readdirSync(aside), []);
  t.is(asides(data_dir).length, 2);
});

test('two restores in one second move to two folders', async (t) => {
  const data_dir = await temporaryFolder(t);
  const restored = join(data_dir, 'restored');
  for (const text of ['first', 'second', 'third']) {
    writeFileSync(restored, text);
    await swapDatabase(data_dir, restored, AT);
  }
  const names = ['before-restore-20260101T000000Z', 'before-restore-20260101T000000Z-2'];
  t.deepEqual(asides(data_dir), names);
  t.deepEqual(
    names.map((name) => readFileSync(join(data_dir, name, 'errand.db'), 'utf8')),
    ['first', 'second'],
  );
});
