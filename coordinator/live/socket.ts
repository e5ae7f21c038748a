import type { IncomingMessage } from 'node:http';
import type websockify from 'koa-websocket';
import type { Logger } from '../base/logger.ts';
import type { RawData, ServerOptions, WebSocket } from 'ws';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError, parse } from '../../protocol/problem.ts';
import { BEARER_SUBPROTOCOL_PREFIX, ClientFrame, CLOSE, SUBPROTOCOL } from '../../protocol/socket.ts';
import type { Identity } from '../auth/identity.ts';
import { encode } from './frames.ts';
import type { Relay } from './relay.ts';
import type { Db } from '../sqlite/database.ts';
import { newestEventIdOf } from '../sqlite/events.ts';
import { closeSocket, Feed, type SocketLimits } from './feed.ts';

export type SocketDeps = {
  db: Db;
  relay: Relay;
  /** The database's, for `hello`. */
  epoch: string;
  /** Who bears this access token; rejects with `unauthenticated`. */
  authenticate: (bearer: string) => Promise<Identity>;
  /** Who the one-time ticket was given to. */
  redeemTicket: (ticket: string) => Identity | undefined;
  /** Tells of each log-in that was ended: logged out, revoked, or expired. */
  onSessionEnded: (listener: (session: string) => void) => () => void;
  limits?: Partial<SocketLimits>;
  logger: Logger;
};

/** For `websockify`, which makes the WebSocket server. */
export const SOCKET_OPTIONS = {
  // It costs nine tenths of the throughput and 200 kB a socket.
  perMessageDeflate: false,
  maxPayload: LIMITS.socket_frame_bytes_max,
  handleProtocols: (protocols) => (protocols.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  // koa-websocket parses the address outside of any middleware, and a malformed one would end the process.
  verifyClient: ({ req }: { req: IncomingMessage }) => req.url?.startsWith('/') === true,
} satisfies ServerOptions;

/**
 * Serves `WS /ws/:user_id` on the app. A socket lives as long as its log-in, and so outlives the ten minutes of the access token it was opened
 * with: a phone is not cut for nothing, and a log-out cuts it at once. `close` tells all clients to come back, and closes their sockets.
 */
export function serveSockets(app: websockify.App, deps: SocketDeps): { close: () => Promise<void> } {
  const { db, relay, logger } = deps;
  const limits: SocketLimits = { ...LIMITS, ...deps.limits };
  const feeds = new Set<Feed>();
  let stopping = false;

  async function identify(request: IncomingMessage): Promise<Identity> {
    const ticket = new URL(request.url ?? '', 'ws://errand').searchParams.get('ticket');
    if (ticket !== null) {
      const identity = deps.redeemTicket(ticket);
      if (identity) return identity;
      throw new ErrandError('unauthenticated', 'The ticket is not valid: it serves once, for a short time.');
    }
    const protocols = request.headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? [];
    const bearer = protocols.find((name) => name.startsWith(BEARER_SUBPROTOCOL_PREFIX));
    if (bearer === undefined) throw new ErrandError('unauthenticated', 'There is no access token.');
    return deps.authenticate(bearer.slice(BEARER_SUBPROTOCOL_PREFIX.length));
  }

  async function serve(socket: WebSocket, request: IncomingMessage, user_id: string): Promise<void> {
    // What the client says before it is known who it is waits in the kernel.
    socket.pause();
    const identity = await identify(request);
    if (socket.readyState !== socket.OPEN) return;
    if (stopping) return closeSocket(socket, CLOSE.going_away, 'the server is stopping');
    if (identity.user_id !== user_id) return closeSocket(socket, CLOSE.not_found, 'not found');
    if (relay.count(user_id) >= limits.sockets_per_user_max)
      return closeSocket(socket, CLOSE.too_many, 'too many sockets');
    const feed = new Feed(socket, identity, db, limits);
    attend(socket, feed);
    const cursor = newestEventIdOf(db, user_id);
    feed.send(encode({ type: 'hello', cursor, epoch: deps.epoch, at: new Date().toISOString() }));
    socket.resume();
  }

  function attend(socket: WebSocket, feed: Feed): void {
    const unsubscribed = setTimeout(() => feed.close(CLOSE.bad_frame, 'no subscribe came'), limits.socket_subscribe_ms);
    feeds.add(feed);
    relay.join(feed);
    socket.on('message', (data) => {
      try {
        const frame = readFrame(data);
        clearTimeout(unsubscribed);
        feed.subscribe(frame.after, frame.task_id).catch((error: unknown) => fail(socket, error));
      } catch (error) {
        if (!(error instanceof ErrandError)) return fail(socket, error);
        feed.answer(encode({ type: 'error', code: error.code, message: error.message }));
      }
    });
    socket.once('close', () => {
      clearTimeout(unsubscribed);
      feeds.delete(feed);
      relay.leave(feed);
    });
  }

  function fail(socket: WebSocket, error: unknown): void {
    if (error instanceof ErrandError && error.status === 401)
      return closeSocket(socket, CLOSE.unauthenticated, error.message);
    logger.error({ err: error }, 'a socket failed');
    closeSocket(socket, CLOSE.failed, 'something went wrong on the server');
  }

  // koa-websocket leaves a socket open whose handler threw, and one whose path nobody serves: the first and the last of these see to both.
  app.ws.use(async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      fail(ctx.websocket, error);
    }
  });
  app.ws.use((ctx, next) => {
    const [, user_id] = /^\/ws\/([^/]+)$/.exec(ctx.path) ?? [];
    return user_id === undefined ? next() : serve(ctx.websocket, ctx.req, user_id);
  });
  app.ws.use((ctx) => closeSocket(ctx.websocket, CLOSE.not_found, 'not found'));

  const pings = setInterval(() => {
    for (const feed of feeds) feed.ping();
  }, limits.socket_ping_ms).unref();
  const forget = deps.onSessionEnded((session) => {
    for (const feed of feeds) if (feed.session === session) feed.close(CLOSE.unauthenticated, 'the log-in was ended');
  });

  return {
    close: async () => {
      stopping = true;
      clearInterval(pings);
      forget();
      const bye = encode({ type: 'bye', reason: 'the server is stopping' });
      await Promise.all([...feeds].map((feed) => feed.leave(bye)));
    },
  };
}

function readFrame(data: RawData): ClientFrame {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.isBuffer(data) ? data.toString() : '');
  } catch (error) {
    throw new ErrandError('invalid', 'The frame is not JSON.', { cause: error });
  }
  return parse(ClientFrame, json, 'The frame');
}
