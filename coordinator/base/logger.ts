import { pino, type Logger } from 'pino';
import type { Config } from './config.ts';

export type { Logger };

/** Header and body fields that carry credentials. They are redacted at the first three levels of a logged object. */
const SECRETS = ['authorization', 'proxy-authorization', 'cookie', 'x-api-key', 'sec-websocket-protocol', 'password'];
const TOKENS = ['token', 'access_token', 'refresh_token', 'git_token', 'setup_code'];
const SECRET_PATHS = [...SECRETS, ...TOKENS].flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]);

/** Log lines buffered while stdout accepts none (a file on a full disk). Lines beyond this are dropped. */
const BUFFER_BYTES_MAX = 1024 * 1024;

/** Creates the server's logger: one JSON object per line to stdout or `destination`. Redacts credentials. */
export function createLogger(
  level: Config['log_level'],
  destination: { write: (line: string) => void } = standardOutput(),
): Logger {
  const options = { level, base: null, redact: SECRET_PATHS, timestamp: pino.stdTimeFunctions.isoTime };
  return pino(options, destination);
}

/**
 * Writes synchronously; a failed write is retried with the next one. A log that cannot be written never ends the
 * server.
 */
function standardOutput(): { write: (line: string) => void } {
  const output = pino.destination({ dest: 1, sync: true, maxLength: BUFFER_BYTES_MAX });
  output.on('error', () => undefined);
  // Hides the stream's flush method: pino calls it after a fatal entry, and on a full disk it waits forever.
  return { write: (line) => void output.write(line) };
}
