import { newId } from '../../protocol/new-id.ts';
import type { Route } from '../../protocol/route.ts';
import type { RouteName } from '../../protocol/routes.ts';
import { backoffMs, HURRY_MS } from './backoff.ts';
import { codeBelow, Failure, hasEnded, LoggedOut, Refusal, Unreachable } from './errors.ts';
import type { CallOptions, RequestOf, ResponseOf } from './http.ts';
import { loadWire } from './load-wire.ts';
import { openWebSocket, type OpenSocket } from './socket.ts';
import { toStored, type SessionStore, type Stored } from './session.ts';
import { unlessAborted, wait } from './wait.ts';

const TRIES_MAX = 5;
const TRY_AGAIN = { first_ms: 200, max_ms: 5_000 };
/** How long a call may wait in all between its tries. A longer wait that the server names is left to the user. */
const WAIT_MAX_MS = 60_000;
/** An access token that expires within this time is renewed before use. */
const EXPIRES_SOON_MS = 30_000;

/** Faults before anything is sent. */
const NEVER_ARRIVED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN']);

export type ClientOptions = {
  /** Aborts everything the client does. */
  signal: AbortSignal;
  /** The User-Agent header. The server shows it in the list of log-ins. */
  user_agent?: string;
  /** How to open its socket; by default as the platform does. */
  openSocket?: OpenSocket;
};

/** The API of one server with one log-in. It renews the access token, and retries requests that are safe to repeat. */
export class Client {
  readonly #store: SessionStore;
  /** Aborts when the client has ended. */
  readonly signal: AbortSignal;
  readonly #user_agent: string | undefined;
  readonly openSocket: OpenSocket;
  #stored: Stored;
  /** All that need a new token wait for the same renewal. */
  #renewing: Promise<void> | undefined;
  #asking: { since_ms: number; give_up: AbortController } | undefined;
  /** The epoch of the server's database in its last answer; undefined before the first one. */
  epoch: string | undefined;

  private constructor(
    store: SessionStore,
    stored: Stored,
    { signal, user_agent, openSocket = openWebSocket }: ClientOptions,
  ) {
    this.#store = store;
    this.#stored = stored;
    this.signal = signal;
    this.#user_agent = user_agent;
    this.openSocket = openSocket;
  }

  /** Reads the log-in from `store`. Rejects with `LoggedOut` if there is none. */
  static async open(store: SessionStore, options: ClientOptions): Promise<Client> {
    const stored = await store.read();
    if (!stored) throw new LoggedOut('You are not logged in.');
    return new Client(store, stored, options);
  }

  /** A client with an API token instead of a log-in. Whose it is, the server is asked once that is needed. */
  static withToken(server: string, token: string, options: ClientOptions): Client {
    const unknown = { user_id: '', email: '', refresh_token: '' };
    const stored = { server, ...unknown, access_token: token, expires_at_ms: Number.MAX_SAFE_INTEGER };
    const store: SessionStore = {
      read: () => Promise.resolve(stored),
      renew: () => Promise.resolve(false),
      locked: () => Promise.reject(new Failure('The API token is not valid: it expired, or was revoked.')),
    };
    return new Client(store, stored, options);
  }

  get server(): string {
    return this.#stored.server;
  }

  get user_id(): string {
    return this.#stored.user_id;
  }

  /** The id of the person, asked from the server if only an API token is known; that token needs the scope `read`. */
  async userId(): Promise<string> {
    this.#stored.user_id ||= (await this.call('me', {})).id;
    return this.user_id;
  }

  get refresh_token(): string {
    return this.#stored.refresh_token;
  }

  get email(): string {
    return this.#stored.email;
  }

  /**
   * Calls a route. A request that is safe to repeat (a GET, or one with an Idempotency-Key) is retried with backoff
   * while the server cannot be reached, or after the wait that it names, unless the options say otherwise. Rejects with
   * `Refusal`, `Unreachable` or `Failure`, or with the reason of an aborted signal.
   */
  async call<N extends RouteName>(name: N, request: RequestOf<N>, own: CallOptions = {}): Promise<ResponseOf<N>> {
    const { ROUTES } = await loadWire();
    const route: Route = ROUTES[name];
    const idempotency_key = own.idempotency_key ?? (route.idempotent === true ? newId() : undefined);
    const repeatable = route.method === 'get' || route.idempotent === true;
    const tries = repeatable && own.once !== true && !own.signal ? TRIES_MAX : 1;
    let [waited_ms, may_have_arrived] = [0, false];
    for (let tried = 1; ; tried++) {
      try {
        return await this.#once(name, request, idempotency_key, own.signal);
      } catch (error) {
        const wait_ms = waitBeforeRetry(error, tried);
        may_have_arrived ||= !NEVER_ARRIVED.has(codeBelow(error));
        if (error instanceof Unreachable && may_have_arrived) error.unsure_key = idempotency_key;
        if (wait_ms === undefined || tried >= tries || waited_ms + wait_ms > WAIT_MAX_MS) throw error;
        waited_ms += wait_ms;
        await wait(wait_ms, this.signal);
      }
    }
  }

  /**
   * An access token that is valid for a while. `refused`: a token that the server has just refused, so it is renewed
   * although it has not expired. `signal`: ends the wait, not the renewal. Rejects with `LoggedOut` if the log-in has
   * ended, or the store has another person's now.
   */
  async token(refused?: string, signal?: AbortSignal): Promise<string> {
    const { access_token } = this.#stored;
    if (access_token === refused || expiresSoon(this.#stored)) {
      this.#renewing ??= this.#store
        .locked(() => this.#renew(access_token))
        .finally(() => (this.#renewing = undefined));
      await unlessAborted(this.#renewing, signal);
    }
    return this.#stored.access_token;
  }

  /** Asks anew for a token that does not come: the network or the person is back. */
  hurry(): void {
    if (this.#asking && Date.now() - this.#asking.since_ms > HURRY_MS) this.#asking.give_up.abort();
  }

  async #once<N extends RouteName>(
    name: N,
    request: RequestOf<N>,
    idempotency_key: string | undefined,
    own: AbortSignal | undefined,
  ) {
    const signal = own ? AbortSignal.any([this.signal, own]) : this.signal;
    const token = await this.token(undefined, signal);
    const { send } = await loadWire();
    const attempt = (bearer: string) =>
      send(
        this.server,
        name,
        request,
        { token: bearer, idempotency_key, user_agent: this.#user_agent },
        signal,
        ({ epoch }) => (this.epoch = epoch ?? this.epoch),
      );
    try {
      return await attempt(token);
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'unauthenticated') throw error;
      return attempt(await this.token(token, signal));
    }
  }

  /** Gets another token than `bad`: what another process has got while this one waited for the lock, or a new one. */
  async #renew(bad: string): Promise<void> {
    for (;;) {
      const stored = await this.#store.read();
      if (stored?.user_id !== this.user_id || stored.server !== this.server) throw replaced();
      if (stored.access_token !== bad && !expiresSoon(stored)) return void (this.#stored = stored);
      const renewed = await this.#ask(stored);
      if (renewed && (await this.#store.renew(stored.refresh_token, renewed))) return void (this.#stored = renewed);
    }
  }

  /**
   * Exchanges the refresh token. Resolves with undefined if that is to be begun anew: the answer did not come, or the
   * person has logged in again meanwhile.
   */
  async #ask({ server, refresh_token }: Stored): Promise<Stored | undefined> {
    const give_up = new AbortController();
    this.#asking = { since_ms: Date.now(), give_up };
    try {
      const { send } = await loadWire();
      const signal = AbortSignal.any([this.signal, give_up.signal]);
      const agent = { user_agent: this.#user_agent };
      return toStored(server, await send(server, 'refresh', { body: { refresh_token } }, agent, signal));
    } catch (error) {
      if (give_up.signal.aborted) return undefined;
      if (!hasEnded(error)) throw error;
      if ((await this.#store.read())?.refresh_token !== refresh_token) return undefined;
      throw new LoggedOut('Your log-in has ended.', { cause: error });
    } finally {
      this.#asking = undefined;
    }
  }
}

function expiresSoon({ expires_at_ms }: Stored): boolean {
  return expires_at_ms - Date.now() <= EXPIRES_SOON_MS;
}

function replaced(): LoggedOut {
  return new LoggedOut('Your log-in was ended or replaced in the meantime.');
}

/** How long to wait after a failed try, in milliseconds; undefined: a retry does not help. */
function waitBeforeRetry(error: unknown, tried: number): number | undefined {
  const isPassing = error instanceof Unreachable || (error instanceof Refusal && error.code === 'rate_limited');
  if (!isPassing) return undefined;
  const { retry_after_s = 0 } = error;
  return retry_after_s * 1000 || backoffMs(TRY_AGAIN, tried);
}
