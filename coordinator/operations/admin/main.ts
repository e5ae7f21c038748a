import { COMMANDS } from '../../cli/commands.ts';
import { overviewOf } from '../../cli/help.ts';
import { processIo } from '../../cli/process-io.ts';
import { run } from '../../cli/run.ts';
import { backup } from './backup-command.ts';
import { doctor } from './doctor-command.ts';
import { loginLink } from './login-link-command.ts';
import { passwordReset } from './password-reset-command.ts';
import { restore } from './restore-command.ts';

/*
 * The commands that run on the server's machine, with its settings, on its data folder. `cli/main.ts` starts this
 * program. Each command imports what it needs when it runs: a backup does not load the Docker client.
 */

const argv = process.argv.slice(2);
process.exitCode = await run(argv, processIo(), [backup, restore, passwordReset, loginLink, doctor], (columns) =>
  overviewOf(COMMANDS, columns),
);
