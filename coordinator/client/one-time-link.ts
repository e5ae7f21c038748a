import type { OneTimeLink } from '../../protocol/accounts.ts';
import { isLocalAddress } from './local-address.ts';

/** A one-time link as another device is to open it. `server`: the address that this client uses. */
export function linkFor({ link, network_link, fragment }: OneTimeLink, server: string): string {
  return link ?? (isLocalAddress(server) ? network_link : undefined) ?? `${server}/#${fragment}`;
}
