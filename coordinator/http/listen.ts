import { once } from 'node:events';
import type websockify from 'koa-websocket';

/** A whole request, head and body, and how many connections there may be, sockets included. */
const REQUEST_MS = 30_000;
const CONNECTIONS_MAX = 10_000;
/** How long a close waits for the answers under way. */
const ANSWER_MS = 2_000;

/** Opens the app's port; 0 takes any that is free. Rejects where the port is taken. `close` lets the answers under way be given first. */
export async function listen(
  app: websockify.App,
  port: number,
  host: string,
): Promise<{ port: number; close: () => Promise<void> }> {
  const server = app.listen(port, host);
  // The WebSocket server repeats the errors of this one, and nobody listens for them there.
  app.ws.server?.on('error', () => undefined);
  server.requestTimeout = REQUEST_MS;
  server.maxConnections = CONNECTIONS_MAX;
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
