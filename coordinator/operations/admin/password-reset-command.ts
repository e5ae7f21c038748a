import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from '../../base/config.ts';
import { createLogger } from '../../base/logger.ts';
import { ADMIN_COMMANDS } from '../../cli/admin-commands.ts';
import { command } from '../../cli/command.ts';
import { EXIT } from '../../cli/exit.ts';
import { print } from '../../cli/io.ts';
import { PROGRAM } from '../../cli/render/program.ts';
import { Failure } from '../../client/errors.ts';
import type { DataFolder } from '../data-folder.ts';
import { explained } from './explained.ts';
import { requireOwnFolder } from './own-folder.ts';

/**
 * For an owner who forgot the password. The server must be stopped, because this writes the database and the data
 * folder has a single writer.
 */
export const passwordReset = command({
  ...ADMIN_COMMANDS.passwordReset,
  options: {},
  run: ({ operands: [email] }, io) =>
    explained(async () => {
      const config = readConfig();
      requireOwnFolder(config);
      const password = await resetIn(config.data_dir, email.trim().toLowerCase());
      print(io, [
        ['The new password of ', ['bold', email], ' is ', ['command', password]],
        [`It is shown only now. All log-ins of that account have ended. Change it with: ${PROGRAM} password`],
      ]);
      return EXIT.succeeded;
    }),
});

/** Resolves with the new password. */
async function resetIn(data_dir: string, email: string): Promise<string> {
  const [{ EventLog }, { Passwords }, { Sessions }, { resetPassword }] = await Promise.all([
    import('../../sqlite/event-log.ts'),
    import('../../auth/passwords.ts'),
    import('../../auth/sessions.ts'),
    import('../../auth/reset-password.ts'),
  ]);
  if (!existsSync(join(data_dir, 'errand.db')))
    throw new Failure(`There is no database in ${data_dir}. Set ERRAND_DATA to the data folder of the server.`);
  const { lacksKeys } = await import('../data-folder.ts');
  if (lacksKeys(data_dir))
    throw new Failure(
      `There is no keys.json in ${data_dir}. Put your copy there. Without one, start the server once and stop it: it makes new keys, which ends the log-ins of everybody.`,
    );
  await using opened = new AsyncDisposableStack();
  const { db, keys } = await openStopped(data_dir, opened);
  const log = new EventLog({ db, logger: createLogger('error') });
  const sessions = new Sessions(log, keys, Date.now);
  return (await resetPassword({ log, passwords: new Passwords(), sessions }, email)).password;
}

async function openStopped(data_dir: string, opened: AsyncDisposableStack): Promise<DataFolder> {
  const { FolderInUse, openDataFolder } = await import('../data-folder.ts');
  try {
    return openDataFolder(data_dir, opened);
  } catch (error) {
    if (!(error instanceof FolderInUse)) throw error;
    throw new Failure(
      `The server is running on ${data_dir}. Stop it first. For somebody else's account its owner can use: ${PROGRAM} password --for EMAIL`,
      { cause: error },
    );
  }
}
