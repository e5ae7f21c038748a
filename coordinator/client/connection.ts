import { LIMITS } from '../../protocol/limits.ts';
import { BEARER_SUBPROTOCOL_PREFIX, CLOSE, ServerFrame, SUBPROTOCOL, type ClientFrame } from '../../protocol/socket.ts';
import { HURRY_MS } from './backoff.ts';
import { Displaced, Failure, LoggedOut, TokenRefused, Unreachable } from './errors.ts';
import { redirected } from './redirect.ts';
import { OPEN, type OpenSocket, type Redirection, type Socket } from './socket.ts';

const HANDSHAKE_MS = 10_000;
/** A connection that is silent for this long is probed. */
const SILENCE_MS = LIMITS.socket_ping_ms;
/** How long the server may take to answer a probe. */
const PROBE_MS = 5_000;
/**
 * Back-pressure: a reader that is behind by more frames or bytes than this loses the connection. Nothing is lost, since
 * it connects again with its cursor.
 */
const FRAMES_WAITING_MAX = 5_000;
const CHARS_WAITING_MAX = 64 * 1024 * 1024;

type Subscription = Extract<ClientFrame, { type: 'subscribe' }>;

/** Where a connection goes, and as whom. */
type ConnectionTarget = { server: string; user_id: string; token: string; openSocket: OpenSocket };

/**
 * One connection to a user's socket. Iterate over its frames; the iteration ends with `Unreachable` when the connection
 * is lost, with `TokenRefused`, or with another `Failure` if a new connection would not help.
 *
 * A silent connection may be dead without a sign. So silence is answered by a probe: the same subscription again, from
 * the newest event on, which the server confirms with `caught_up`.
 */
export class Connection {
  readonly #server: string;
  readonly #path: string;
  readonly #protocols: readonly string[];
  readonly #openSocket: OpenSocket;
  readonly #signal: AbortSignal;
  readonly #frames: ServerFrame[] = [];
  #socket: Socket;
  #redirects = 0;
  #chars_waiting = 0;
  #wake: () => void = () => undefined;
  #ended: Failure | undefined;
  readonly #subscriptions = new Map<string, Subscription>();
  #timer: ReturnType<typeof setTimeout>;
  #last_sign_ms = Date.now();
  readonly #over = new AbortController();

  constructor({ server, user_id, token, openSocket }: ConnectionTarget, signal: AbortSignal) {
    this.#server = server;
    this.#path = `/ws/${user_id}`;
    this.#protocols = [SUBPROTOCOL, BEARER_SUBPROTOCOL_PREFIX + token];
    this.#openSocket = openSocket;
    this.#signal = signal;
    this.#timer = setTimeout(() => this.#end(this.#lost()), HANDSHAKE_MS);
    this.#socket = this.#open(new URL(server + this.#path));
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Subscribes, or replaces the subscription to the same. */
  subscribe(subscription: Omit<Subscription, 'type'>): void {
    const frame: Subscription = { type: 'subscribe', ...subscription };
    this.#subscriptions.set(keyOf(frame), frame);
    this.#send(frame);
  }

  /** Ends the subscription to the log of an errand. */
  leaveLog(task_id: string): void {
    this.#subscriptions.delete(keyOf({ scope: 'log', task_id }));
    this.#send({ type: 'unsubscribe', scope: 'log', task_id });
  }

  /** Aborts when the connection ends, with why. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /**
   * Makes sure soon that the connection lives: the network or the person is back. Returns false if it has ended: it
   * was not made or in use yet, and nothing has come for a while. `reads_since`: what was missed is being read since
   * then, in milliseconds since 1970; the requests may hang.
   */
  hurry(reads_since?: number): boolean {
    if (reads_since === undefined && this.#isUsed()) this.probe();
    else if (Date.now() - (reads_since ?? this.#last_sign_ms) > HURRY_MS) this.#end(this.#lost());
    return this.#ended === undefined;
  }

  /** Asks for a sign of life. A connection that gives none in time is lost. */
  probe(): void {
    const [subscription] = this.#subscriptions.values();
    if (!this.#isUsed() || !subscription) return;
    this.#send(subscription);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#end(this.#lost()), PROBE_MS);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ServerFrame, never, void> {
    try {
      for (;;) {
        this.#signal.throwIfAborted();
        const frame = this.#frames.shift();
        if (frame) {
          if (this.#frames.length === 0) this.#chars_waiting = 0;
          yield frame;
        } else if (this.#ended) throw this.#ended;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      this.#signal.removeEventListener('abort', this.#onAbort);
      this.#end(this.#lost());
    }
  }

  #isUsed(): boolean {
    return this.#socket.readyState === OPEN && this.#subscriptions.size > 0;
  }

  #open(url: URL): Socket {
    const onRedirect = (redirection: Redirection): void => this.#redirect(url, redirection);
    const socket = this.#openSocket(url.href.replace(/^http/, 'ws'), this.#protocols, onRedirect);
    // What a redirected socket still says does not count.
    const end = (why: Failure): void => {
      if (socket === this.#socket) this.#end(why);
    };
    socket.addEventListener('open', () => this.#rest());
    socket.addEventListener('message', ({ data }) => this.#take(String(data)));
    socket.addEventListener('error', () => end(this.#lost()));
    socket.addEventListener('close', ({ code }) => end(this.#closed(code)));
    return socket;
  }

  /** Follows a redirect as requests do. */
  #redirect(from: URL, redirection: Redirection): void {
    try {
      const to = redirected({ ...redirection, from, method: 'GET', path: this.#path, before: this.#redirects++ });
      const before = this.#socket;
      this.#socket = this.#open(to);
      before.close();
    } catch (error) {
      this.#end(error instanceof Failure ? error : this.#lost());
    }
  }

  readonly #onAbort = (): void => this.#end(this.#lost());

  #take(text: string): void {
    if (this.#ended) return;
    this.#rest();
    this.#chars_waiting += text.length;
    if (this.#frames.length >= FRAMES_WAITING_MAX || this.#chars_waiting > CHARS_WAITING_MAX) {
      this.#end(this.#lost());
      return;
    }
    try {
      // A frame of an unknown type is one of a newer server.
      const frame = ServerFrame.safeParse(JSON.parse(text)).data;
      if (!frame) return;
      this.#moveCursor(frame);
      this.#frames.push(frame);
      this.#wake();
    } catch (error) {
      this.#end(new Failure('The server sent a frame that is not JSON.', { cause: error }));
    }
  }

  /** Notes what a probe need not replay. */
  #moveCursor(frame: ServerFrame): void {
    const at = cursorOf(frame);
    const key = at && keyOf(at);
    const subscription = key === undefined ? undefined : this.#subscriptions.get(key);
    if (!at || key === undefined || !subscription) return;
    this.#subscriptions.set(key, { ...subscription, after: Math.max(subscription.after, at.cursor) });
  }

  /** Waits for the next frame. */
  #rest(): void {
    this.#last_sign_ms = Date.now();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.probe(), SILENCE_MS);
  }

  #send(frame: ClientFrame): void {
    if (this.#socket.readyState === OPEN) this.#socket.send(JSON.stringify(frame));
  }

  /** The first call counts. Frames that have arrived are still read. */
  #end(why: Failure): void {
    clearTimeout(this.#timer);
    if (this.#ended) return;
    this.#ended = why;
    this.#over.abort(why);
    this.#socket.close();
    this.#wake();
  }

  #lost(): Unreachable {
    return new Unreachable(`The connection to ${this.#server} was lost.`);
  }

  #closed(code: number): Failure {
    if (code === CLOSE.unauthenticated) return new TokenRefused('The access token was refused.');
    if (code === CLOSE.not_found) return new LoggedOut(`${this.#server} does not know your account.`);
    if (code === CLOSE.too_many)
      return new Displaced('Your account has too many open connections: newer ones took the place of this one.');
    return this.#lost();
  }
}

/** Names what a subscription is to. */
function keyOf({ scope = 'all', task_id }: Pick<Subscription, 'scope' | 'task_id'>): string {
  return scope === 'log' ? `log ${task_id}` : scope;
}

/** The subscription that a frame belongs to, and where it is then; undefined: the frame moves none. */
function cursorOf(frame: ServerFrame): (Pick<Subscription, 'scope' | 'task_id'> & { cursor: number }) | undefined {
  switch (frame.type) {
    case 'events':
      return { scope: frame.scope, task_id: frame.task_id, cursor: frame.events.at(-1)?.id ?? 0 };
    case 'caught_up':
      return { scope: frame.scope, task_id: frame.task_id, cursor: frame.cursor };
    case 'tasks':
      return { scope: 'tasks', cursor: frame.cursor };
    default:
      return undefined;
  }
}
