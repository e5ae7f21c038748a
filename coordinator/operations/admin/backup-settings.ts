import type { Config } from '../../base/config.ts';
import { Failure } from '../../client/errors.ts';
import type { BackupConfig } from '../backup/backup.ts';
import type { BackupStore } from '../backup/store.ts';
import { openStore } from './open-store.ts';

/** The settings for backup and restore. */
export function backupConfig({ data_dir, disk_free_bytes_min }: Config): BackupConfig {
  return { data_dir, free_bytes_min: disk_free_bytes_min };
}

/** The store of ERRAND_BACKUP_TO. Rejects with `Failure` if that is not set. */
export async function configuredStore({ backup }: Config): Promise<BackupStore> {
  if (!backup)
    throw new Failure('ERRAND_BACKUP_TO is not set: it says where backups are kept, a folder or s3://bucket/prefix.');
  return openStore(backup.to);
}

/** A size such as `12.3 MB`. */
export function sizeOf(bytes: number): string {
  return bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} kB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
