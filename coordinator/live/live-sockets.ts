import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError, type ErrorCode } from '../../protocol/problem.ts';
import { CLOSE } from '../../protocol/socket.ts';
import type { Identity } from '../auth/identity.ts';
import { encode } from './frames.ts';
import type { BrowserGuard } from '../base/browser-guard.ts';
import { ByteBudget } from '../base/byte-budget.ts';
import { Periodic } from '../base/periodic.ts';
import { Rate } from '../base/rate.ts';
import type { Logger } from '../base/logger.ts';
import type { Relay } from './relay.ts';
import type { Db } from '../sqlite/database.ts';
import { newestEventIdOf } from '../sqlite/events.ts';
import { closeSocket, Feed, FRAME_LIMITS, type SocketLimits } from './feed.ts';
import { listenToClient } from './listen-to-client.ts';
import type { SocketRequest } from './socket-request.ts';
import { Upgrades } from './upgrade.ts';

export type LiveSocketsDependencies = {
  db: Db;
  relay: Relay;
  /** The database's epoch, for the `hello` frame. */
  readonly epoch: string;
  /** The identity of this access token; rejects with `unauthenticated`. */
  authenticate: (bearer: string) => Promise<Identity>;
  /** The identity that the one-time ticket was issued to; undefined: it is not valid. */
  redeemTicket: (ticket: string) => Identity | undefined;
  /** Calls back with each session that somebody ended: logged out or revoked. Returns the unsubscribe function. */
  onSessionEnded: (listener: (session: string) => void) => () => void;
  /** Whether a session has not ended. Nobody reports one that expired, so this is asked now and then. */
  lives: (who: Pick<Identity, 'user_id' | 'session'>) => boolean;
  browser_guard: BrowserGuard;
  limits?: Partial<SocketLimits>;
  /** Called with the code of each socket that was refused, before or after its upgrade. */
  onRefused: (code: ErrorCode) => void;
  logger: Logger;
};

/** The part of a CPU that the frames of one user may take in the long run. */
const TIME_SHARE = 0.1;

/**
 * Serves `WS /ws/:user_id`. A socket lives as long as its session, longer than the ten-minute access token that opened
 * it: a phone is not disconnected when the token expires. A logout closes its sockets at once, and an expired session
 * is found within `socket_log_in_check_ms`.
 */
export class LiveSockets {
  /** For the HTTP server's `upgrade` event. */
  readonly upgrade = (request: IncomingMessage, raw: Duplex, head: Buffer, admitted = (): void => undefined): void =>
    this.#upgrades.accept(request, raw, head, admitted);

  readonly #deps: LiveSocketsDependencies;
  readonly #limits: SocketLimits;
  readonly #upgrades: Upgrades;
  readonly #subscribes: Rate;
  readonly #frames: ByteBudget;
  readonly #feeds = new Set<Feed>();
  #stopping = false;
  readonly #pings: Periodic;
  readonly #checks: Periodic;
  #unsubscribe: (() => void) | undefined;

  constructor(deps: LiveSocketsDependencies) {
    this.#deps = deps;
    this.#limits = { ...LIMITS, ...FRAME_LIMITS, ...deps.limits };
    this.#subscribes = new Rate(this.#limits.subscribes_per_minute_max, 'You subscribe too often.');
    const { frame_bytes_per_s_max: bytes_per_s, frame_burst_bytes_max: burst_bytes } = this.#limits;
    this.#frames = new ByteBudget({ bytes_per_s, burst_bytes, time_share: TIME_SHARE });
    this.#upgrades = new Upgrades((socket, request, admitted) => void this.#serve(socket, request, admitted), deps);
    this.#pings = new Periodic({
      every_ms: this.#limits.socket_ping_ms,
      work: () => this.#ping(),
      onError: (error) => deps.logger.error({ err: error }, 'sockets not pinged'),
    });
    this.#checks = new Periodic({
      every_ms: this.#limits.socket_log_in_check_ms,
      work: () => this.#closeExpired(),
      onError: (error) => deps.logger.error({ err: error }, 'sessions of sockets not checked'),
    });
  }

  /** All sockets that are not closed. */
  get sockets(): ReadonlySet<WebSocket> {
    return this.#upgrades.sockets;
  }

  /** Starts to ping the sockets, and to close those whose session ends. */
  start(): void {
    void this.#pings.start();
    void this.#checks.start();
    this.#unsubscribe = this.#deps.onSessionEnded((session) => {
      for (const feed of this.#feeds) if (feed.session === session) closeEnded(feed);
    });
  }

  /** Sends `bye` to all clients and closes their sockets. Resolves when they are closed. Refuses new sockets. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#unsubscribe?.();
    const bye = encode({ type: 'bye', reason: 'the server is stopping' });
    const closed = [...this.#feeds].map((feed) => feed.closeWith(bye));
    await Promise.all([this.#pings.stop(), this.#checks.stop(), ...closed]);
  }

  #ping(): void {
    for (const feed of this.#feeds) feed.ping();
  }

  #closeExpired(): void {
    for (const feed of this.#feeds) if (!this.#deps.lives(feed)) closeEnded(feed);
  }

  async #serve(socket: WebSocket, request: SocketRequest, admitted: () => void): Promise<void> {
    const fail = (error: unknown) => this.#fail(socket, error);
    try {
      // Until the client is authenticated, its frames stay in the kernel's buffer.
      socket.pause();
      const identity = await this.#identify(request);
      if (socket.readyState !== socket.OPEN) return;
      const refusal = this.#refusalOf(identity, request);
      if (refusal) return this.#refuse(socket, 'forbidden', ...refusal);
      admitted();
      const { db, epoch, onRefused } = this.#deps;
      const feed = this.#join(socket, identity);
      const { light } = this.#deps.relay;
      const budgets = { subscribes: this.#subscribes, frames: this.#frames };
      listenToClient(socket, feed, { db, light, limits: this.#limits, onRefused, ...budgets }, fail);
      const cursor = newestEventIdOf(db, identity.user_id);
      feed.send(encode({ type: 'hello', cursor, epoch, at: new Date().toISOString() }));
      socket.resume();
    } catch (error) {
      fail(error);
    }
  }

  async #identify({ ticket, bearer }: SocketRequest): Promise<Identity> {
    if (ticket !== null) {
      const identity = this.#deps.redeemTicket(ticket);
      if (identity) return identity;
      throw new ErrandError('unauthenticated', 'The ticket is not valid: it can be used once, for a short time.');
    }
    if (bearer === undefined) throw new ErrandError('unauthenticated', 'There is no access token.');
    return this.#deps.authenticate(bearer);
  }

  /** The close code and reason for an authenticated client that may not have this socket. */
  #refusalOf({ user_id, scopes }: Identity, request: SocketRequest): [code: number, reason: string] | undefined {
    if (this.#stopping) return [CLOSE.going_away, 'the server is stopping'];
    if (scopes?.includes('read') === false) return [CLOSE.unauthenticated, "the API token lacks the scope 'read'"];
    if (user_id !== request.user_id) return [CLOSE.not_found, 'not found'];
    return undefined;
  }

  #join(socket: WebSocket, identity: Identity): Feed {
    const { relay } = this.#deps;
    this.#makeRoom(identity.user_id);
    const feed = new Feed(socket, identity, this.#limits);
    this.#feeds.add(feed);
    relay.join(feed);
    socket.once('close', () => this.#leave(feed));
    return feed;
  }

  /**
   * A new socket always gets in: past the limit, the one of the user's own that was silent for longest makes room. A
   * network that comes and goes leaves dead sockets behind, so each new one probes the others: the living answer, and
   * are heard from later than the dead.
   */
  #makeRoom(user_id: string): void {
    const own = this.#deps.relay.of(user_id).filter((watcher) => watcher instanceof Feed);
    if (this.#deps.relay.count(user_id) >= this.#limits.sockets_per_user_max) {
      const [silent] = own.toSorted((one, other) => one.last_sign_ms - other.last_sign_ms);
      if (silent) this.#leave(silent);
      silent?.close(CLOSE.too_many, 'a newer connection took its place');
    }
    for (const feed of own) feed.probe();
  }

  #leave(feed: Feed): void {
    this.#feeds.delete(feed);
    this.#deps.relay.leave(feed);
  }

  #refuse(socket: WebSocket, counted: ErrorCode, code: number, reason: string): void {
    this.#deps.onRefused(counted);
    closeSocket(socket, code, reason);
  }

  #fail(socket: WebSocket, error: unknown): void {
    if (error instanceof ErrandError && error.code === 'unauthenticated')
      return this.#refuse(socket, 'unauthenticated', CLOSE.unauthenticated, error.message);
    this.#deps.logger.error({ err: error }, 'websocket handler failed');
    closeSocket(socket, CLOSE.failed, 'something went wrong on the server');
  }
}

function closeEnded(feed: Feed): void {
  feed.close(CLOSE.unauthenticated, 'the session has ended');
}
