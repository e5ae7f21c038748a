import { ConfigError } from './config.ts';

const WORDS: Record<string, string> = {
  EADDRINUSE: 'another program has this port',
  EACCES: 'the system does not allow it',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'this machine has no such address',
};

/** Why a listener could not be opened, as a `ConfigError` that names the settings it comes from; the error itself where it is another. */
export function listenFault(error: unknown, where: { host: string; port: number }, settings: string): unknown {
  const words = error instanceof Error && 'code' in error && WORDS[String(error.code)];
  if (!words) return error;
  return new ConfigError(
    `Errand cannot listen on ${where.host}, port ${where.port}: ${words}. Set ${settings} to another.`,
  );
}
