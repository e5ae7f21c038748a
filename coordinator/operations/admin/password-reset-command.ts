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
  const [{ lockDataFolder }, { openDataFolder }, { EventLog }, { Passwords }, { Sessions }, { resetPassword }] =
    await Promise.all([
      import('../../sqlite/data-lock.ts'),
      import('../data-folder.ts'),
      import('../../sqlite/event-log.ts'),
      import('../../auth/passwords.ts'),
      import('../../auth/sessions.ts'),
      import('../../auth/reset-password.ts'),
    ]);
  if (!existsSync(join(data_dir, 'errand.db')))
    throw new Failure(`There is no database in ${data_dir}. Set ERRAND_DATA to the data folder of the server.`);
  const lock = lockDataFolder(data_dir);
  if (!lock)
    throw new Failure(
      `The server is running on ${data_dir}. Stop it first. For somebody else's account its owner can use: ${PROGRAM} password --for EMAIL`,
    );
  lock.release();
  await using opened = new AsyncDisposableStack();
  const { db, keys } = openDataFolder(data_dir, opened);
  const log = new EventLog({ db, logger: createLogger('error') });
  const sessions = new Sessions(log, keys, Date.now);
  return (await resetPassword({ log, passwords: new Passwords(), sessions }, email)).password;
}
