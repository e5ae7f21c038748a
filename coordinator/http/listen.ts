import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { Duplex } from 'node:stream';

/** The head of a request, from the opening of the connection; and a whole request, head and body. */
const HEAD_MS = 10_000;
const REQUEST_MS = 30_000;
/** WebSockets included. */
const CONNECTIONS_MAX = 10_000;
/** How long a close waits for the answers under way. */
const ANSWER_MS = 2_000;

/** What serves the public port. Neither throws. */
export type PublicHandlers = {
  request: RequestListener;
  /** From here on the raw socket is the handler's: the HTTP server watches it no longer. */
  upgrade: (request: IncomingMessage, raw: Duplex, head: Buffer) => void;
};

/** Opens the public port; 0 takes any that is free. Rejects where the port is taken. `close` lets the answers under way be given first. */
export async function listen(
  { request, upgrade }: PublicHandlers,
  port: number,
  host: string,
): Promise<{ port: number; close: () => Promise<void> }> {
  const timeouts = { headersTimeout: HEAD_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: HEAD_MS / 2 };
  const server = createServer(timeouts, request);
  server.on('upgrade', upgrade);
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

/** Where a listener is reached from this machine: an IPv6 address in brackets, and this machine for what means every address. */
export function addressOf(host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
