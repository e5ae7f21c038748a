import { lstatSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../base/config.ts';
import { Failure } from '../../client/errors.ts';

/**
 * Throws a `Failure` unless this user owns the database, or the data folder where it has no database. Another user
 * would find nothing there, and say so. Root would leave files that the server cannot write, its locks among them, and
 * would follow the links of whoever owns the folder. A folder that does not exist is no matter of rights.
 */
export function requireOwnFolder({ data_dir }: Pick<Config, 'data_dir'>): void {
  const user = process.geteuid?.();
  const owner = ownerOf(data_dir);
  if (user === undefined || owner === user || owner === 'none') return;
  const uid = owner === 'hidden' ? '' : ` (uid ${owner})`;
  const how = owner === 'hidden' ? '' : `, for example with sudo -u '#${owner}'`;
  throw new Failure(
    `The data folder ${data_dir} belongs to another user${uid}. Run this command as the user that Errand runs as${how}; with systemd, as "With systemd" in coordinator/README.md says.`,
  );
}

/** The uid of the owner. `none`: there is no such folder. `hidden`: this user may not know. */
function ownerOf(data_dir: string): number | 'none' | 'hidden' {
  try {
    const there = { throwIfNoEntry: false } as const;
    return (lstatSync(join(data_dir, 'errand.db'), there) ?? statSync(data_dir, there))?.uid ?? 'none';
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EACCES') return 'hidden';
    // What else is wrong with the folder is told by what opens it.
    return 'none';
  }
}
