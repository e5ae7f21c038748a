import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import type { Io } from './io.ts';
import { processOutput } from './process-output.ts';
import { ServersFile } from './servers-file.ts';

/** The `Io` of this process. Ctrl-C aborts its signal. */
export function processIo(): Io {
  const { XDG_CONFIG_HOME, ERRAND_PASSWORD, ERRAND_SERVER, ERRAND_TOKEN } = process.env;
  const interrupt = new AbortController();
  // A second Ctrl-C ends the process at once, in case the first one does not.
  process.once('SIGINT', () => interrupt.abort());
  // The reader closed the pipe, as in `errand tasks | head`.
  process.stdout.on('error', () => process.exit(0));
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
