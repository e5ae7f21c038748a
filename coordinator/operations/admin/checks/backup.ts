import { existsSync } from 'node:fs';
import { mkdtemp, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../../base/config.ts';
import { existingAbove } from '../../../base/make-folder.ts';
import { localTime } from '../../../cli/render/format.ts';
import { PROGRAM } from '../../../cli/render/program.ts';
import { toBackupError } from '../../backup/error.ts';
import { backupCheck, readBackupState } from '../../backup/state.ts';
import { ok, problem, type Finding } from './finding.ts';
import { isInUse } from './storage.ts';

type Settings = Pick<Config, 'backup' | 'data_dir'>;

/** Checks where backups go and how the last ones ended. A bucket is not asked: the last backups tell. */
export async function checkBackup(
  { backup, data_dir }: Settings,
  in_container = existsSync('/.dockerenv'),
): Promise<Finding[]> {
  if (!backup)
    return [ok('backup', 'none are made: set ERRAND_BACKUP_TO to a folder on another disk, or to s3://bucket/prefix')];
  const { to, every_ms } = backup;
  const faults = [
    to.kind === 'folder' ? await folderFault(to.path, in_container) : undefined,
    runFault(data_dir, every_ms),
  ].filter((fault) => fault !== undefined);
  if (faults.length > 0) return [problem('backup', faults.join(' '))];
  const { last_good } = readBackupState(data_dir);
  const where = to.kind === 'folder' ? to.path : `s3://${to.bucket}/${to.prefix}`;
  const when =
    last_good === null
      ? `there is no backup yet: try it with ${PROGRAM} backup`
      : `the last good one is of ${localTime(last_good.at)}`;
  const same_disk = to.kind === 'folder' && (await diskOf(to.path)) === (await diskOf(data_dir));
  const warning = same_disk ? '. That is on the disk of the data, and would be lost with it: better another disk' : '';
  return [ok('backup', `to ${where}; ${when}${warning}`)];
}

async function folderFault(path: string, in_container: boolean): Promise<string | undefined> {
  const above = existingAbove(path);
  try {
    // Permissions alone do not tell: the disk may be read-only.
    await rmdir(await mkdtemp(join(above, '.errand-doctor-')));
  } catch (error) {
    const { message } = toBackupError(`The backup folder ${path} cannot be written`, error);
    return `${message} Give it to the user that Errand runs as; with systemd, name it in ReadWritePaths of the unit.`;
  }
  if (in_container && (await diskOf(path)) === (await diskOf('/')))
    return `The backup folder ${path} is in the container, and is lost with it. With compose.yaml, set ERRAND_BACKUP_TO=/backups; else mount a disk or volume there.`;
  return undefined;
}

/** What was wrong with the last backup. A server that does not run makes none. */
function runFault(data_dir: string, every_ms: number): string | undefined {
  const state = readBackupState(data_dir);
  const { last_good, last_failure } = state;
  if (last_failure !== null && (last_good === null || last_failure.at >= last_good.at)) {
    const good = last_good === null ? 'There is no good one.' : `The last good one is of ${localTime(last_good.at)}.`;
    // The unit allows few folders, which shows in the service alone.
    const hint = last_failure.message.includes('EROFS')
      ? ' With systemd, name the folder in ReadWritePaths of the unit.'
      : '';
    return `The last backup, at ${localTime(last_failure.at)}, failed: ${last_failure.message} ${good}${hint} After fixing it, run: ${PROGRAM} backup`;
  }
  const { ok, detail } = backupCheck(state, every_ms, Date.now());
  return ok || last_good === null || !isInUse(data_dir)
    ? undefined
    : `It is late: ${detail}. The server's log says why.`;
}

async function diskOf(path: string): Promise<number> {
  return (await stat(existingAbove(path))).dev;
}
