import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import type { Io } from './io.ts';
import { columnsOf } from './render/text.ts';
import { ServersFile } from './servers-file.ts';

/** The `Io` of this process. Ctrl-C aborts its signal. */
export function processIo(): Io {
  const { XDG_CONFIG_HOME, ERRAND_PASSWORD, ERRAND_SERVER, ERRAND_TOKEN, NO_COLOR, TERM } = process.env;
  const { stdin, stdout, stderr } = process;
  const interrupt = new AbortController();
  // A second Ctrl-C ends the process at once, in case the first one does not.
  process.once('SIGINT', () => interrupt.abort());
  // The reader closed the pipe, as in `errand tasks | head`.
  stdout.on('error', () => process.exit(0));
  const live = stdout.isTTY && TERM !== 'dumb';
  return {
    stdin,
    stdout,
    stderr,
    live,
    get columns() {
      return columnsOf(stdout);
    },
    color: live && (NO_COLOR ?? '') === '',
    password: ERRAND_PASSWORD,
    server: ERRAND_SERVER || undefined,
    token: ERRAND_TOKEN || undefined,
    servers: new ServersFile(join(XDG_CONFIG_HOME || join(homedir(), '.config'), 'errand')),
    user_agent: `errand command line on ${hostname()}`,
    variable: (name) => process.env[name],
    signal: interrupt.signal,
  };
}
