import { ConfigError } from './config.ts';

const NO_SUCH_ADDRESS = 'this machine has no such address';
const NO_NAME = 'no address is known for this name';
const REASONS: Record<string, string> = {
  EADDRINUSE: 'another program uses this port',
  EACCES: 'permission denied',
  EADDRNOTAVAIL: NO_SUCH_ADDRESS,
  EAFNOSUPPORT: 'this machine has no such kind of address, such as IPv6',
  EAI_AGAIN: NO_NAME,
  ENOTFOUND: NO_NAME,
};

/**
 * Turns an error of `listen` into a `ConfigError` that names the settings of the address. Returns any other error,
 * which is not one of the system, unchanged.
 */
export function listenFault(error: unknown, where: { host: string; port: number }, settings: string): unknown {
  if (!(error instanceof Error && 'code' in error && 'syscall' in error)) return error;
  const reason = REASONS[String(error.code)] ?? error.message;
  return new ConfigError(`Errand cannot listen on ${where.host}, port ${where.port}: ${reason}. Change ${settings}.`);
}
