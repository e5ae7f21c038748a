import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { BrowserGuard } from '../../coordinator/base/browser-guard.ts';
import type { Logger } from '../../coordinator/base/logger.ts';
import type { SocketLimits } from '../../coordinator/live/feed.ts';
import { LiveSockets } from '../../coordinator/live/live-sockets.ts';
import type { Relay } from '../../coordinator/live/relay.ts';
import type { Db } from '../../coordinator/sqlite/database.ts';
import { readMeta } from '../../coordinator/sqlite/meta.ts';
import { ErrandError, type ErrorCode } from '../../protocol/problem.ts';

type Options = {
  db: Db;
  relay: Relay;
  logger: Logger;
  now: () => number;
  limits: Partial<SocketLimits> | undefined;
};

/**
 * Serves clients' sockets on a free port. A user's id is its access token and its ticket; `bad` and `none` are invalid.
 */
export async function startLiveSockets({ db, relay, logger, now, limits }: Options) {
  const refused: ErrorCode[] = [];
  const listeners = new Set<(session: string) => void>();
  const identityOf = (user_id: string) => ({ user_id, session: `session-${user_id}`, expires_at_ms: now() + 600_000 });
  const sockets = new LiveSockets({
    onRefused: (code) => void refused.push(code),
    db,
    relay,
    logger,
    epoch: readMeta(db, 'epoch'),
    authenticate: async (bearer) => {
      if (bearer === 'bad') throw new ErrandError('unauthenticated', 'no');
      return identityOf(bearer);
    },
    redeemTicket: (ticket) => (ticket === 'none' ? undefined : identityOf(ticket)),
    onSessionEnded: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    lives: () => true,
    browser_guard: new BrowserGuard([]),
    ...(limits && { limits }),
  });
  sockets.start();
  const connections: Socket[] = [];
  const server = createServer().on('upgrade', sockets.upgrade);
  server.on('connection', (connection) => connections.push(connection));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    sockets,
    /** The codes of the sockets that were refused. */
    refused,
    /** The bytes that all clients were sent, with those of closed sockets. */
    sentBytes: () => connections.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0),
    url: `ws://127.0.0.1:${port}/ws`,
    endSession: (user_id: string) => {
      for (const listener of listeners) listener(`session-${user_id}`);
    },
    close: async () => {
      await sockets.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
