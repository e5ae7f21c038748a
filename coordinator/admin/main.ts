import { overviewOf } from '../cli/help.ts';
import { processIo } from '../cli/process-io.ts';
import { run } from '../cli/run.ts';
import { COMMANDS } from '../cli/commands.ts';
import { backup, restore } from './backup-commands.ts';

process.exitCode = await run(process.argv.slice(2), processIo(), [backup, restore], (columns) =>
  overviewOf(COMMANDS, columns),
);
