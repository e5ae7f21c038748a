import type { AddressInfo } from 'node:net';

/** The port of a server that listens on TCP. */
export function portOf(server: { address: () => string | AddressInfo | null }): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return address.port;
}
