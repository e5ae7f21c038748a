#!/usr/bin/env node
import { COMMANDS } from './commands.ts';
import { EXIT } from './exit.ts';
import { overviewOf } from './help.ts';
import { processIo } from './process-io.ts';
import { run } from './run.ts';
import { isAdminCommand, runAdminCommand } from './admin-commands.ts';

const argv = process.argv.slice(2);
if (isAdminCommand(argv)) {
  process.stderr.write(`${runAdminCommand(argv)}\n`);
  process.exitCode = EXIT.trouble;
} else {
  // No top-level await: the launcher of the installed package loads this module with require().
  void run(argv, processIo(), COMMANDS, (columns) => overviewOf(COMMANDS, columns)).then(
    (code) => (process.exitCode = code),
  );
}
