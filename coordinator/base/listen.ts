import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { Duplex } from 'node:stream';
import { ConnectionLimit } from './connection-limit.ts';
import { addressesForDevices } from './device-addresses.ts';

/** How long the head of a request may take from the opening of the connection. */
const HEAD_MS = 10_000;
/**
 * How long an idle connection stays open for the next request. A proxy must be the one that closes it: a request that
 * it sends while the server closes is lost. Caddy keeps its connections for 120 seconds, nginx for 60.
 */
const KEEP_ALIVE_MS = 5_000;
const KEEP_ALIVE_BEHIND_PROXY_MS = 150_000;
/** WebSockets included. */
const CONNECTIONS_MAX = 10_000;
/** How long `close` waits for responses that are being sent. */
const ANSWER_MS = 2_000;

/** Of one address, WebSockets that somebody has logged in on aside. */
const CONNECTIONS_PER_ADDRESS_MAX = 256;

/** What serves the public port. Neither throws. */
export type PublicHandlers = {
  request: RequestListener;
  /**
   * Gets the raw socket, which the HTTP server no longer watches. It calls `admitted` once the client has shown who it
   * is.
   */
  upgrade: (request: IncomingMessage, raw: Duplex, head: Buffer, admitted?: () => void) => void;
};

/**
 * `behind_proxy`: all connections come from a proxy, so those of one address are not limited, and idle ones stay open
 * for longer than a proxy keeps them.
 */
export type ListenOptions = { port: number; host: string; behind_proxy: boolean };

/** Opens the public port; 0 takes any free one. Rejects if the port is taken. `close` lets responses finish first. */
export async function listen(
  { request, upgrade }: PublicHandlers,
  { port, host, behind_proxy }: ListenOptions,
): Promise<{ port: number; close: () => Promise<void> }> {
  const timeouts = {
    headersTimeout: HEAD_MS,
    // Whoever reads a body bounds it: an upload may take long. A body that nobody reads is cut with the answer.
    requestTimeout: 0,
    connectionsCheckingInterval: HEAD_MS / 2,
    keepAliveTimeout: behind_proxy ? KEEP_ALIVE_BEHIND_PROXY_MS : KEEP_ALIVE_MS,
  };
  const server = createServer(timeouts, request);
  const limit = new ConnectionLimit(server, behind_proxy ? CONNECTIONS_MAX : CONNECTIONS_PER_ADDRESS_MAX);
  server.on('upgrade', (asked, raw, head) => upgrade(asked, raw, head, () => limit.release(raw)));
  server.maxConnections = CONNECTIONS_MAX;
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The public listener has no port.');
  return {
    port: address.port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      const cut = setTimeout(() => server.closeAllConnections(), ANSWER_MS);
      await closed;
      clearTimeout(cut);
    },
  };
}

/** How many addresses a person is shown: a machine can have dozens. */
const SHOWN_MAX = 3;

/**
 * The address of a listener for clients on this machine: IPv6 in brackets, `localhost` if it listens on all addresses.
 */
export function addressOf(host: string, port: number): string {
  return urlOf(isWildcard(host) ? 'localhost' : host, port);
}

/**
 * The first addresses at which other devices reach a listener on all addresses. The browser guard lets requests to them
 * through: each is the address that the connection comes in at.
 */
export function addressesElsewhere(host: string, port: number, devices = addressesForDevices): string[] {
  if (!isWildcard(host)) return [];
  return devices()
    .filter(({ family }) => host === '::' || family === 'IPv4')
    .slice(0, SHOWN_MAX)
    .map(({ address }) => urlOf(address, port));
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function urlOf(name: string, port: number): string {
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
