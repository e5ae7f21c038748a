import { lstatSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config } from '../../base/config.ts';
import { existingAbove } from '../../base/make-folder.ts';
import { Failure } from '../../client/errors.ts';
import { errorCode } from '../../base/error-code.ts';

const ROOT = 0;

/**
 * Throws a `Failure` unless this user owns the database, or the data folder where it has no database. Another user
 * would find nothing there, and say so. Root would leave files that the server cannot write, its locks among them, and
 * would follow the links of whoever owns the folder. A folder that root would make counts as the one it would be in.
 */
export function requireOwnFolder({ data_dir }: Pick<Config, 'data_dir'>): void {
  const user = process.geteuid?.();
  if (user === undefined) return;
  const owner = foreignOwner(data_dir, user);
  if (owner === 'none') return;
  const uid = owner === 'hidden' ? '' : ` (uid ${owner})`;
  const how = owner === 'hidden' ? '' : `, for example with sudo -u '#${owner}'`;
  throw new Failure(
    `The data folder ${data_dir} belongs to another user${uid}. Run this command as the user that Errand runs as${how}; with systemd, as "With systemd" in coordinator/README.md says.`,
  );
}

/** The uid of an owner that is not this user. `none`: there is none. `hidden`: this user may not know. */
function foreignOwner(data_dir: string, user: number): number | 'none' | 'hidden' {
  try {
    return ownersOf(data_dir, user).find((owner) => owner !== user) ?? 'none';
  } catch (error) {
    if (errorCode(error) === 'EACCES') return 'hidden';
    // What else is wrong with the folder is told by what opens it.
    return 'none';
  }
}

function ownersOf(data_dir: string, user: number): number[] {
  const [database, there] = [join(data_dir, 'errand.db'), { throwIfNoEntry: false }] as const;
  const file = statSync(database, there)?.uid;
  const link = lstatSync(database, there)?.uid;
  // A link of root's may lead to another disk. One of anybody else's is for nobody but its owner to follow.
  const owners = [link === ROOT ? undefined : link, file].filter((uid) => uid !== undefined);
  if (owners.length > 0) return owners;
  const folder = statSync(data_dir, there);
  if (folder) return [folder.uid];
  // Whether this user may make the folder is told by what makes it. Root always may, and it would be root's.
  return user === ROOT ? [lstatSync(existingAbove(dirname(data_dir))).uid] : [];
}
