#!/usr/bin/env node
import { homedir } from 'node:os';
import { join } from 'node:path';
import { SERVER_COMMANDS } from '../operations/backup/commands.ts';
import { run } from './cli.ts';
import { SessionFile } from './session-file.ts';

const { XDG_CONFIG_HOME, ERRAND_PASSWORD, NO_COLOR, TERM } = process.env;
const { stdin, stdout, stderr } = process;

const interrupt = new AbortController();
// The second Ctrl-C ends the process at once, should the first one not.
process.once('SIGINT', () => interrupt.abort());
// Whoever read the output has seen enough.
stdout.on('error', () => process.exit(0));

const live = stdout.isTTY && TERM !== 'dumb';
const io = {
  stdin,
  stdout,
  stderr,
  live,
  color: live && (NO_COLOR ?? '') === '',
  password: ERRAND_PASSWORD,
  session: new SessionFile(join(XDG_CONFIG_HOME || join(homedir(), '.config'), 'errand')),
  signal: interrupt.signal,
};
process.exitCode = await run(process.argv.slice(2), io, SERVER_COMMANDS);
