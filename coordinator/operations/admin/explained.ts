import { ErrandError } from '../../../protocol/problem.ts';
import { ConfigError } from '../../base/config.ts';
import { Failure } from '../../client/errors.ts';
import { BackupError } from '../backup/error.ts';

/**
 * Runs a command. Turns the server's errors whose messages are for the owner into a `Failure`, which the command line
 * prints.
 */
export async function explained(work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof BackupError || error instanceof ConfigError || error instanceof ErrandError)
      throw new Failure(error.message, { cause: error });
    throw error;
  }
}
