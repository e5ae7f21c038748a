import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readConfig } from '../../../../coordinator/base/config.ts';
import { checkBackup } from '../../../../coordinator/operations/admin/checks/backup.ts';
import { FolderStore } from '../../../../coordinator/operations/backup/folder-store.ts';
import { updateBackupState } from '../../../../coordinator/operations/backup/state.ts';
import { lockDataFolder } from '../../../../coordinator/sqlite/data-lock.ts';
import { diskTest, mountDisk } from '../../../support/disk.ts';
import { temporaryFolder, type Ends } from '../../../support/folder.ts';

/** A data folder, a folder for backups, and what the doctor finds of them. */
async function scene(t: Ends) {
  const folder = await temporaryFolder(t);
  const [data_dir, to] = [join(folder, 'data'), join(folder, 'backups')];
  mkdirSync(data_dir);
  const check = async (ERRAND_BACKUP_TO = to, in_container = false) => {
    const [finding] = await checkBackup(readConfig({ ERRAND_DATA: data_dir, ERRAND_BACKUP_TO }), in_container);
    return finding && `${finding.ok ? 'ok' : 'problem'}: ${finding.detail}`;
  };
  return { folder, data_dir, to, check };
}

const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
const goodAt = (hours: number) => ({ last_good: { at: hoursAgo(hours), name: 'x', bytes: 1, took_ms: 1 } });
const failedAt = (hours: number) => ({ last_failure: { at: hoursAgo(hours), message: 'The disk is full.' } });

test('doctor says when the last good backup was, and that it is on the disk of the data', async (t) => {
  const { folder, data_dir, to, check } = await scene(t);
  t.regex(
    (await check()) ?? '',
    /^ok: to \S+\/backups; there is no backup yet: try it with \S+ \S+ backup\. That is on the disk of the data/,
  );
  await updateBackupState(data_dir, { ...goodAt(30), ...failedAt(31) });
  t.regex((await check()) ?? '', /^ok: .*the last good one is of 2\d{3}-/);
  t.false(existsSync(to), 'it makes no folder');
  t.deepEqual(readdirSync(folder), ['data']);
});

test('doctor reports a failed backup with its reason, and a late one of a running server', async (t) => {
  const { data_dir, check } = await scene(t);
  await updateBackupState(data_dir, { ...failedAt(1) });
  t.regex((await check()) ?? '', /^problem: The last backup, at .*, failed: The disk is full\. There is no good one\./);
  await updateBackupState(data_dir, { ...goodAt(30), ...failedAt(1) });
  t.regex((await check()) ?? '', /^problem: .*The last good one is of 2\d{3}-/);
  await updateBackupState(data_dir, { last_failure: null });
  t.regex((await check()) ?? '', /^ok: /, 'no server runs that could make one');
  const lock = lockDataFolder(data_dir);
  t.teardown(() => lock?.release());
  t.regex((await check()) ?? '', /^problem: It is late: the last good backup is 30 h old\./);
});

test('doctor reports a backup folder that is in the container itself', async (t) => {
  const { check } = await scene(t);
  t.regex((await check('/backups-of-nobody', true)) ?? '', /^problem: .* is in the container, and is lost with it\./);
  t.regex((await check('/dev/shm/backups', true)) ?? '', /^ok: /);
});

test('a backup folder where none can be made is refused', async (t) => {
  const { check } = await scene(t);
  t.regex((await check('/proc/errand/backups')) ?? '', /^problem: The backup folder \S+ cannot be written: /);
  const put = new FolderStore('/proc/errand/backups').put(
    'x',
    { path: '/dev/null', bytes: 0 },
    new AbortController().signal,
  );
  await t.throwsAsync(put, { message: /could not be written to/ });
});

diskTest('a backup folder on a read-only disk is reported as such', async (t) => {
  const { folder, check } = await scene(t);
  const disk = mountDisk(t, join(folder, 'disk'), 8);
  execFileSync('mount', ['-o', 'remount,ro', disk]);
  for (const to of [disk, join(disk, 'a/b')]) {
    t.regex(
      (await check(to)) ?? '',
      /^problem: .* cannot be written: the disk is read-only \(EROFS\)\..*ReadWritePaths/,
    );
    const put = new FolderStore(to).put('x', { path: '/dev/null', bytes: 0 }, new AbortController().signal);
    await t.throwsAsync(put, { message: /could not be written to .*: the disk is read-only \(EROFS\)/ });
  }
});
