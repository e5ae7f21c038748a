import { errorCode } from '../../base/error-code.ts';
/** Why a backup or a restore failed, in words for the server's owner. It contains no secret. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}

/** A backup that cannot be restored, whatever is tried: another one may. */
export class BadBackup extends BackupError {}

const MEANINGS: Record<string, string> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the disk is read-only',
  EIO: 'the disk failed',
  ENOTDIR: 'a part of the path is not a folder',
  SQLITE_FULL: 'the disk is full',
  SQLITE_BUSY: 'another program has locked the database',
  SQLITE_READONLY: 'the file is read-only',
  SQLITE_CORRUPT: 'the database is damaged',
  SQLITE_NOTADB: 'the file is not a database',
  SQLITE_CANTOPEN: 'the file cannot be opened',
};

/** Translates an error of the system or of SQLite. `failed` says what failed. A `BackupError` stays as it is. */
export function toBackupError(failed: string, error: unknown): BackupError {
  if (error instanceof BackupError) return error;
  const code = errorCode(error) ?? '';
  const meaning = MEANINGS[code] ?? (code.startsWith('SQLITE_IOERR') ? 'the disk failed' : undefined);
  const reason = meaning === undefined ? messageOf(error) : `${meaning} (${code})`;
  return new BackupError(`${failed}: ${reason}.`, { cause: error });
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
