import { mkdir, open, rm } from 'node:fs/promises';
import { fingerprintOfKeys } from '../../base/keys.ts';
import { lockBackups, lockDataFolder } from '../../sqlite/data-lock.ts';
import type { BackupConfig } from './backup.ts';
import { verify, type Description } from './description.ts';
import { toBackupError } from './error.ts';
import { takeLock } from './lock.ts';
import { renew } from './new-history.ts';
import { fetchDatabase, type Wanted } from './source.ts';
import { restoreFolder, swapDatabase } from './swap.ts';

export type Restored = {
  name: string;
  description: Description;
  /** How many tasks were under way, and go on in a new attempt. */
  going_on: number;
  /** The folder, in the data folder, that has the database of before; null: there was none. */
  aside: string | null;
  /** Whether the data folder has the keys that the backup's secrets are sealed with. */
  keys: 'the same' | 'others' | 'none' | 'unknown';
  /** How many backups of a time to come there are that were not taken for the newest. */
  passed_over: number;
};

/**
 * Puts a backup in the place of a data folder's database. Whatever is wrong with the backup is found before anything is replaced, and the database
 * of before is moved aside, not deleted. Throws a `BackupError`.
 */
export async function restore(config: BackupConfig, wanted: Wanted, signal: AbortSignal): Promise<Restored> {
  const { data_dir } = config;
  const locks = new DisposableStack();
  try {
    await mkdir(data_dir, { recursive: true, mode: 0o700 });
    for (const [take, busy] of [
      [lockDataFolder, `An Errand is running on the data folder ${data_dir}. Stop it first.`],
      [lockBackups, `A backup of ${data_dir} is under way. Wait until it has ended.`],
    ] as const)
      locks.adopt(takeLock(take, data_dir, busy), (lock) => lock.release());
    return await replace(config, wanted, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw toBackupError('The backup could not be restored', error);
  } finally {
    locks.dispose();
  }
}

async function replace(
  { data_dir, free_bytes_min }: BackupConfig,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<Restored> {
  const folder = restoreFolder(data_dir);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  try {
    const { name, database, plain_at, passed_over } = await fetchDatabase(folder, wanted, free_bytes_min, signal);
    const description = verify(database, plain_at);
    const going_on = renew(database, description.at);
    await sync(database);
    signal.throwIfAborted();
    const keys = compareKeys(fingerprintOfKeys(data_dir), description.keys);
    const aside = await swapDatabase(data_dir, database, new Date());
    return { name, description, going_on, keys, aside, passed_over };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function compareKeys(found: string | null, sealed_with: string | null): Restored['keys'] {
  if (found === null) return 'none';
  if (sealed_with === null) return 'unknown';
  return found === sealed_with ? 'the same' : 'others';
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
