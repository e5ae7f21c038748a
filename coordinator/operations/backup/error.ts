/** What kept a backup or a restore from being made, in words for the server's owner: no secret is in them. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}

const WORDS: Record<string, string> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'that is not allowed',
  EPERM: 'that is not allowed',
  EROFS: 'the disk is read-only',
  EIO: 'the disk failed',
  ENOTDIR: 'a part of the path is not a folder',
  SQLITE_FULL: 'the disk is full',
  SQLITE_BUSY: 'another program holds the database',
  SQLITE_READONLY: 'the file may not be written',
  SQLITE_CORRUPT: 'the database is damaged',
  SQLITE_NOTADB: 'the file is not a database',
  SQLITE_CANTOPEN: 'the file cannot be opened',
};

/** Says what an error of the machine means; `what` is what could not be done. A `BackupError` has its words already. */
export function toBackupError(what: string, error: unknown): BackupError {
  if (error instanceof BackupError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known = WORDS[code] ?? (code.startsWith('SQLITE_IOERR') ? 'the disk failed' : undefined);
  const words = known ?? (error instanceof Error ? error.message : String(error));
  return new BackupError(`${what}: ${words}${known === undefined ? '' : ` (${code})`}.`, { cause: error });
}
