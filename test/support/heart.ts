import { once } from 'node:events';
import { createServer, request as httpRequest, type Agent } from 'node:http';
import { join } from 'node:path';
import { pino } from 'pino';
import { ErrandError } from '../../protocol/problem.ts';
import type { SocketLimits } from '../../coordinator/live/feed.ts';
import { LiveSockets } from '../../coordinator/live/live-sockets.ts';
import { WorkerApi, type WorkerApiDependencies } from '../../coordinator/worker-api/worker-api.ts';
import { EventLog } from '../../coordinator/sqlite/event-log.ts';
import { Watchdogs, watchdogTimes, type WatchdogTimes } from '../../coordinator/workers/watchdogs.ts';
import { Relay } from '../../coordinator/live/relay.ts';
import { openDatabase } from '../../coordinator/sqlite/database.ts';
import { readMeta } from '../../coordinator/sqlite/meta.ts';
import { TaskTokens } from '../../coordinator/auth/task-tokens.ts';

type Options = {
  /** Holds the database; the same folder again is the same server, started again. */
  folder: string;
  limits?: Partial<SocketLimits>;
  now?: () => number;
} & Partial<WatchdogTimes> &
  Partial<Pick<WorkerApiDependencies, 'llm' | 'git' | 'egress' | 'assignment'>>;

export type Heart = Awaited<ReturnType<typeof startHeart>>;

/**
 * The log, the callback API and the relay of a coordinator, without the rest of it. A user's id is their access
 * token.
 */
export async function startHeart(options: Options) {
  const { folder, now = Date.now } = options;
  const logger = pino({ level: 'silent' });
  const db = openDatabase(join(folder, 'errand.db'));
  const log = new EventLog({ db, logger });
  const relay = new Relay(log);
  const tokens = new TaskTokens(new Uint8Array(32).fill(7), readMeta(db, 'instance'), now);
  const ended: string[] = [];
  log.subscribe('attempt.ended', ({ task_id, attempt }) => ended.push(`${task_id}/${attempt}`));
  const times = watchdogTimes({ time_limit_ms: 60_000, ...options });
  const watch = new Watchdogs({ log, relay, logger, times });
  watch.start();
  const unavailable = () => Promise.reject(new ErrandError('unavailable', 'This test has no such proxy.'));
  const internal = new WorkerApi({
    log,
    relay,
    tokens,
    leases: watch.leases,
    progress: watch.progress,
    logger,
    assignment: unavailable,
    llm: { forward: unavailable },
    git: { forward: unavailable },
    egress: { open: unavailable },
    ...options,
  });
  const callbacks = await internal.listenOnTcp('127.0.0.1', 0);

  const sessionListeners = new Set<(session: string) => void>();
  const sockets = new LiveSockets({
    db,
    relay,
    logger,
    epoch: readMeta(db, 'epoch'),
    authenticate: async (bearer) => {
      if (bearer === 'bad') throw new ErrandError('unauthenticated', 'no');
      return { user_id: bearer, session: `session-${bearer}`, expires_at_ms: now() + 600_000 };
    },
    redeemTicket: (ticket) =>
      ticket === 'none' ? undefined : { user_id: ticket, session: `session-${ticket}`, expires_at_ms: now() + 600_000 },
    onSessionEnded: (listener) => {
      sessionListeners.add(listener);
      return () => sessionListeners.delete(listener);
    },
    ...(options.limits && { limits: options.limits }),
  });
  sockets.start();
  const server = createServer().on('upgrade', sockets.upgrade);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');

  return {
    folder,
    log,
    relay,
    internal,
    tokens,
    leases: watch.leases,
    ended,
    callback_port: callbacks.port,
    sockets,
    socket_url: `ws://127.0.0.1:${address.port}/ws`,
    endSession: (user_id: string) => {
      for (const listener of sessionListeners) listener(`session-${user_id}`);
    },
    close: async () => {
      watch.stop();
      await sockets.stop();
      await callbacks.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      db.close();
    },
  };
}

export type Answer = { status: number; headers: NodeJS.Dict<string | string[]>; body: unknown };

/** One HTTP call of a worker: to a port of this machine, or to a socket. Rejects where the connection is cut. */
export async function call(
  where: { port: number } | { socketPath: string },
  options: {
    path: string;
    method?: string;
    token?: string;
    headers?: Record<string, string>;
    body?: unknown;
    agent?: Agent;
  },
): Promise<Answer> {
  const { path, token, headers, body, agent } = options;
  const method = options.method ?? (body === undefined ? 'GET' : 'POST');
  const request = httpRequest({
    ...where,
    host: '127.0.0.1',
    path,
    method,
    headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
    ...(agent && { agent }),
  });
  // An answer may come before the body has gone out whole; what becomes of the rest is of no interest then.
  request.on('error', () => {});
  request.end(typeof body === 'string' || Buffer.isBuffer(body) || body === undefined ? body : JSON.stringify(body));
  const [response] = await once(request, 'response');
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
}
