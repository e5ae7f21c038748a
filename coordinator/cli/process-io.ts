import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { getSystemErrorMessage } from 'node:util';
import { EXIT, Interrupted, type Interruption } from './exit.ts';
import type { Io } from './io.ts';
import { processOutput } from './process-output.ts';
import { ServersFile } from './servers-file.ts';

/**
 * The `Io` of this process. `interruptions` abort its signal, Ctrl-C alone by default; output that cannot be written
 * ends the process.
 */
export function processIo(interruptions: readonly Interruption[] = ['SIGINT']): Io {
  const { XDG_CONFIG_HOME, ERRAND_PASSWORD, ERRAND_SERVER, ERRAND_TOKEN } = process.env;
  const interrupt = new AbortController();
  // A second Ctrl-C ends the process at once, in case the first one does not.
  for (const by of interruptions) process.once(by, () => interrupt.abort(new Interrupted(by)));
  process.stdout.on('error', endWithoutOutput);
  // Nothing is left to say it with; the exit code stays that of the command.
  process.stderr.on('error', () => undefined);
  return Object.assign(processOutput(), {
    stdin: process.stdin,
    password: ERRAND_PASSWORD,
    server: ERRAND_SERVER || undefined,
    token: ERRAND_TOKEN || undefined,
    servers: new ServersFile(join(XDG_CONFIG_HOME || join(homedir(), '.config'), 'errand')),
    user_agent: `errand command line on ${hostname()}`,
    variable: (name: string) => process.env[name],
    signal: interrupt.signal,
  });
}

/** Ends the process: who reads its output does not get all, so no exit code may tell of success. */
function endWithoutOutput({ code, errno, message }: NodeJS.ErrnoException): never {
  // The reader has what it wants, as in `errand tasks | head`.
  if (code === 'EPIPE') process.exit(EXIT.closed_pipe);
  const why = errno === undefined ? message : getSystemErrorMessage(errno);
  process.stderr.write(`The output cannot be written: ${why}.\n`);
  process.exit(EXIT.trouble);
}
