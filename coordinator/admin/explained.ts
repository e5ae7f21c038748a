import { ErrandError } from '../../protocol/problem.ts';
import { ConfigError } from '../base/config.ts';
import { Failure } from '../client/errors.ts';
import { BackupError } from '../operations/backup/error.ts';

/** Runs a command's work. An error whose message is for a person becomes the `Failure` that the command line prints. */
export async function explained(work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof BackupError || error instanceof ConfigError || error instanceof ErrandError)
      throw new Failure(error.message, { cause: error });
    throw error;
  }
}
