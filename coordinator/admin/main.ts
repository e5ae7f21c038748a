import { COMMANDS } from '../cli/commands.ts';
import { overviewOf } from '../cli/help.ts';
import { processIo } from '../cli/process-io.ts';
import { run } from '../cli/run.ts';
import { backup } from './backup-command.ts';
import { doctor } from './doctor-command.ts';
import { passwordReset } from './password-reset-command.ts';
import { restore } from './restore-command.ts';

/*
 * The commands that work on a server's data folder, on the server's machine, by its settings. `cli/main.ts` starts this program. What does the work is
 * imported by the command that needs it: a backup does not load Docker's client, and a doctor not the database.
 */

const argv = process.argv.slice(2);
process.exitCode = await run(argv, processIo(), [backup, restore, passwordReset, doctor], (columns) =>
  overviewOf(COMMANDS, columns),
);
