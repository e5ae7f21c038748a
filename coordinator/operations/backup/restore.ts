import { mkdir, open, rm } from 'node:fs/promises';
import { fingerprintOfKeys } from '../../base/keys.ts';
import { makeFolder } from '../../base/make-folder.ts';
import { lockBackups, lockDataFolder } from '../../sqlite/data-lock.ts';
import type { BackupConfig } from './backup.ts';
import { BackupError, BadBackup, toBackupError } from './error.ts';
import { fetchBackup, type RestoreSource } from './fetch-backup.ts';
import { takeLock } from './lock.ts';
import { verifyBackup, type Manifest } from './manifest.ts';
import { countMissingFiles } from './missing-files.ts';
import type { LostWork } from './lost-work.ts';
import { startNewEpoch } from './new-epoch.ts';
import { replaceDatabase, restoreFolder } from './replace-database.ts';

export type Restored = {
  name: string;
  manifest: Manifest;
  /** How many tasks were running. Each continues in a new attempt. */
  requeued: number;
  /** How many tasks are in the queue, these among them. A server starts them at once. */
  queued: number;
  /** The open tasks whose workspaces are not in the data folder, or are of another time. */
  lost_work: LostWork[];
  /** The folder, in the data folder, with the previous database. Null: there was none. */
  previous: string | null;
  /** Whether the data folder has the keys that the secrets of the backup are sealed with. */
  keys: 'match' | 'differ' | 'missing' | 'unknown';
  /** How many files of errands are not in the data folder. */
  files_missing: number;
  /** How many backups were skipped because they are dated in the future. */
  skipped: number;
};

const OLDER =
  'It is the newest one, and nothing was changed. errand restore --list shows the others: name an older one.';

/**
 * Replaces the database of a data folder with a backup. Checks the whole backup before it changes anything, and moves
 * the previous database aside instead of deleting it. Throws a `BackupError`.
 */
export async function restore(config: BackupConfig, from: RestoreSource, signal: AbortSignal): Promise<Restored> {
  const { data_dir } = config;
  const locks = new DisposableStack();
  try {
    makeFolder(data_dir);
    for (const [take, busy] of [
      [lockDataFolder, `An Errand is running on the data folder ${data_dir}. Stop it first.`],
      [lockBackups, `A backup of ${data_dir} is running. Wait until it has ended.`],
    ] as const)
      locks.adopt(takeLock(take, data_dir, busy), (lock) => lock.release());
    return await restoreLocked(config, from, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw toBackupError('The backup could not be restored', error);
  } finally {
    locks.dispose();
  }
}

async function restoreLocked(
  { data_dir, free_bytes_min }: BackupConfig,
  from: RestoreSource,
  signal: AbortSignal,
): Promise<Restored> {
  const folder = restoreFolder(data_dir);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  try {
    const { name, database, plain_at, skipped } = await fetchBackup(folder, from, free_bytes_min, signal);
    const manifest = verifyBackup(database, plain_at);
    const { requeued, queued, lost_work } = startNewEpoch(database, manifest.at, data_dir);
    const files_missing = await countMissingFiles(database, data_dir);
    await sync(database);
    signal.throwIfAborted();
    const keys = compareKeys(fingerprintOfKeys(data_dir), manifest.keys);
    const previous = await replaceDatabase(data_dir, database, new Date());
    return { name, manifest, requeued, queued, lost_work, keys, previous, files_missing, skipped };
  } catch (error) {
    if (!(error instanceof BadBackup) || 'file' in from || from.name !== undefined) throw error;
    throw new BackupError(`${error.message}\n${OLDER}`, { cause: error });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function compareKeys(found: string | null, sealed_with: string | null): Restored['keys'] {
  if (found === null) return 'missing';
  if (sealed_with === null) return 'unknown';
  return found === sealed_with ? 'match' : 'differ';
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
