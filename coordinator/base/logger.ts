import { pino, type Logger } from 'pino';
import type { Config } from './config.ts';

export type { Logger };

/** Header fields and body fields that bear a credential, wherever one level of a logged object holds them. */
const SECRETS = ['authorization', 'proxy-authorization', 'cookie', 'x-api-key', 'sec-websocket-protocol', 'password'];
const TOKENS = ['token', 'access_token', 'refresh_token', 'git_token'];
const SECRET_PATHS = [...SECRETS, ...TOKENS].flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]);

/** What of the log waits in memory while standard output takes none of it: a file on a full disk. What comes then is dropped. */
const WAITING_BYTES_MAX = 1024 * 1024;

/** The server's log: a JSON object a line on standard output, or into `destination`. Credentials are struck out. */
export function createLogger(
  level: Config['log_level'],
  destination: { write: (line: string) => void } = standardOutput(),
): Logger {
  const options = { level, base: null, redact: SECRET_PATHS, timestamp: pino.stdTimeFunctions.isoTime };
  return pino(options, destination);
}

/** Writes at once, and where that fails keeps what it has for the next time: a log that cannot be written ends no server. */
function standardOutput(): { write: (line: string) => void } {
  const output = pino.destination({ dest: 1, sync: true, maxLength: WAITING_BYTES_MAX });
  output.on('error', () => undefined);
  // Not the stream itself: pino would flush it after a fatal entry, which waits for room for ever.
  return { write: (line) => void output.write(line) };
}
