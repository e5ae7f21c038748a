import { readConfig } from '../../base/config.ts';
import { ADMIN_COMMANDS } from '../../cli/admin-commands.ts';
import { command } from '../../cli/command.ts';
import { EXIT } from '../../cli/exit.ts';
import { printLink } from '../../cli/print-link.ts';
import { Failure } from '../../client/errors.ts';
import { explained } from './explained.ts';
import { requireOwnFolder } from './own-folder.ts';

/** For a phone, or for who forgot the password: a link that logs in without it. The server must be running. */
export const loginLink = command({
  ...ADMIN_COMMANDS.loginLink,
  options: {},
  run: ({ operands: [email] }, io) =>
    explained(async () => {
      const config = readConfig();
      requireOwnFolder(config);
      const { data_dir } = config;
      const { linkByServer } = await import('../link-service.ts');
      const answer = await linkByServer(data_dir, email, io.signal);
      if (!answer)
        throw new Failure(
          `No server runs on ${data_dir}. Start it, or set ERRAND_DATA to the data folder of the server.`,
        );
      if ('error' in answer) throw new Failure(answer.error);
      printLink(io, answer.link, 'logs one device in', answer.expires_at);
      return EXIT.succeeded;
    }),
});
