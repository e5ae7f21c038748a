import { BackupError, toBackupError } from './error.ts';

type Lock = { release: () => void };

/**
 * Takes a lock of a data folder. Throws a `BackupError`: with the message `busy` if another process has it, or with the
 * reason why it cannot be taken, such as a lock file that belongs to another user.
 */
export function takeLock(take: (data_dir: string) => Lock | undefined, data_dir: string, busy: string): Lock {
  let lock;
  try {
    lock = take(data_dir);
  } catch (error) {
    throw toBackupError(`The data folder ${data_dir} could not be locked`, error);
  }
  if (!lock) throw new BackupError(busy);
  return lock;
}
