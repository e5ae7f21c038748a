import { readdirSync } from 'node:fs';
import type { Config } from '../../base/config.ts';
import { Failure } from '../../client/errors.ts';

/**
 * Throws a `Failure` if this user may not look into the data folder. Without that a command would find no server and
 * no database there, and say so. A folder that does not exist is no matter of rights.
 */
export function requireOwnFolder({ data_dir }: Pick<Config, 'data_dir'>): void {
  try {
    readdirSync(data_dir);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EACCES')) return;
    throw new Failure(
      `The data folder ${data_dir} belongs to another user. Run this command as the user that Errand runs as; with systemd, as "With systemd" in coordinator/README.md says.`,
      { cause: error },
    );
  }
}
