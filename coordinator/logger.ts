import { pino, type Logger } from 'pino';
import type { Config } from './config.ts';

export type { Logger };

/** Header fields and body fields that bear a credential, wherever one level of a logged object holds them. */
const SECRETS = ['authorization', 'proxy-authorization', 'cookie', 'x-api-key', 'sec-websocket-protocol', 'password'];
const TOKENS = ['token', 'access_token', 'refresh_token', 'git_token'];
const SECRET_PATHS = [...SECRETS, ...TOKENS].flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]);

/** The server's log: a JSON object a line on standard output, or into `destination`. Credentials are struck out. */
export function createLogger(level: Config['log_level'], destination?: { write: (line: string) => void }): Logger {
  const options = { level, base: null, redact: SECRET_PATHS, timestamp: pino.stdTimeFunctions.isoTime };
  return destination ? pino(options, destination) : pino(options);
}
