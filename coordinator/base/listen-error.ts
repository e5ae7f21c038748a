import { ConfigError } from './config.ts';

const REASONS: Record<string, string> = {
  EADDRINUSE: 'another program uses this port',
  EACCES: 'permission denied',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'this machine has no such address',
};

/**
 * Turns an error of `listen` into a `ConfigError` that names the settings of the address. Returns any other error
 * unchanged.
 */
export function listenFault(error: unknown, where: { host: string; port: number }, settings: string): unknown {
  const reason = error instanceof Error && 'code' in error && REASONS[String(error.code)];
  if (!reason) return error;
  return new ConfigError(`Errand cannot listen on ${where.host}, port ${where.port}: ${reason}. Change ${settings}.`);
}
