#!/usr/bin/env node
import { COMMANDS } from './commands.ts';
import { errorLines } from './error-lines.ts';
import { EXIT } from './exit.ts';
import { overviewOf } from './help.ts';
import { printBeside, type Io } from './io.ts';
import { processIo } from './process-io.ts';
import { useProxy } from './proxy.ts';
import { run } from './run.ts';
import { isAdminCommand, runAdminCommand } from './admin-commands.ts';

const argv = process.argv.slice(2);
if (isAdminCommand(argv)) {
  process.stderr.write(`${runAdminCommand(argv)}\n`);
  process.exitCode = EXIT.trouble;
} else {
  // No top-level await: the launcher of the installed package loads this module with require().
  void begin(processIo(['SIGINT', 'SIGTERM', 'SIGHUP'])).then((code) => (process.exitCode = code));
}

async function begin(io: Io): Promise<number> {
  try {
    useProxy(io.variable);
  } catch (error) {
    printBeside(io, errorLines(error, undefined));
    return EXIT.trouble;
  }
  return run(argv, io, COMMANDS, (columns) => overviewOf(COMMANDS, columns));
}
