import type { buildConnector } from 'undici';
import { AddressError, pinned, type AddressGuard } from './address-guard.ts';

/**
 * Resolves a host name once, checks every address, and connects to the checked addresses only. `timeout` in
 * milliseconds.
 */
export function guardedConnector(guard: AddressGuard, timeout: number): buildConnector.connector {
  const connect = async (options: buildConnector.Options, callback: buildConnector.Callback): Promise<void> => {
    const port = Number(options.port) || (options.protocol === 'https:' ? 443 : 80);
    const addresses = await guard(options.hostname, port).catch((error: Error) => error);
    if (addresses instanceof Error) return callback(addresses, null);
    const undici = await import('undici');
    undici.buildConnector({ allowH2: false, timeout, lookup: pinned(addresses) })(options, callback);
  };
  return (options, callback) => void connect(options, callback);
}

/**
 * Rejects with an `AddressError` where this machine knows that the host is private: a proxy must not lead there. Where
 * it cannot resolve the name, the proxy does.
 */
export async function refusePrivate(guard: AddressGuard, { hostname, port, protocol }: URL): Promise<void> {
  await guard(hostname, Number(port) || (protocol === 'https:' ? 443 : 80)).catch((error: unknown) => {
    if (error instanceof AddressError && error.fault === 'private_address') throw error;
  });
}
