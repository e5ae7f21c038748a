import { signal } from '@preact/signals';
import { Client } from '../../client/client.ts';
import { hasEnded, LoggedOut } from '../../client/errors.ts';
import { loadWire } from '../../client/load-wire.ts';
import { unlessAborted } from '../../client/wait.ts';
import { toStored, type Stored } from '../../client/session.ts';
import { Database, databaseName, SessionDatabase } from './database.ts';
import { painted } from './painted.ts';
import { unsubscribe } from './push.ts';
import { BASE } from './routes.ts';
import { Session } from './session.ts';
import { sessionStore } from './storage.ts';

/**
 * Whether somebody is logged in. `ended`: the server ended the log-in, and what the device has is kept for the next.
 * `untold`: the person has logged out here, and the server could not be told yet.
 */
export type Access =
  | { kind: 'loading' }
  /** The browser's storage cannot be used: it is full, blocked or damaged, or does not answer. */
  | { kind: 'no_storage' }
  /** The person has logged out here, and the browser's storage could not be emptied. */
  | { kind: 'not_emptied' }
  | { kind: 'out'; ended: boolean; email: string; untold?: boolean }
  | { kind: 'in'; session: Session; email: string };

/** The code of a link by which one may make an account. */
export type NewAccount = { kind: 'setup' | 'invite'; code: string };

export type Credentials = { email: string; password: string };

const OUT: Access = { kind: 'out', ended: false, email: '' };
const UNTOLD: Access = { ...OUT, untold: true };
/** A storage that takes longer is said to be out of use, until it answers after all. */
const STORAGE_MS = 10_000;
/** What a window tells the others: the log-in of this device is another one, or none. */
const CHANGED = 'log-in changed';
/** How often the server is told of a log-out that it could not be told of. */
const TELL_MS = 15_000;

/** The app's state: who is logged in, and with them everything else. */
export class Store {
  readonly access = signal<Access>({ kind: 'loading' });
  // Another server may be at another path of the same host.
  readonly #database = new Database(databaseName(BASE));
  readonly #logins = sessionStore(this.#database);
  readonly #windows = new BroadcastChannel(databaseName(BASE));
  readonly #stop = new AbortController();
  /** What the last session of this window reads and writes. */
  #kept: SessionDatabase | undefined;
  /** Ends the requests of who is logged in. */
  #leave = new AbortController();
  /** The app's own server. */
  readonly server: string;

  constructor(server: string) {
    this.server = server;
    this.#windows.addEventListener('message', () => void this.#onOtherWindow().catch(reportError));
  }

  /** Continues the log-in that this device has. */
  async start(): Promise<void> {
    const slow = setTimeout(() => (this.access.value = { kind: 'no_storage' }), STORAGE_MS);
    try {
      await this.#enter();
    } catch (error) {
      if (!(error instanceof LoggedOut)) reportError(error);
      this.access.value = error instanceof LoggedOut ? OUT : { kind: 'no_storage' };
    } finally {
      clearTimeout(slow);
    }
  }

  async logIn(body: Credentials): Promise<void> {
    const { send } = await loadWire();
    await this.replaceLogIn(await send(this.server, 'login', { body }, {}, this.#stop.signal));
  }

  /** Logs in with the code of a log-in link, in place of who is logged in on this device. */
  async logInByLink(code: string): Promise<void> {
    const { send } = await loadWire();
    await this.replaceLogIn(await send(this.server, 'linkLogin', { body: { code } }, {}, this.#stop.signal));
  }

  /** Goes on with a log-in that was made already, in place of who is logged in on this device. */
  async replaceLogIn(session: Parameters<typeof toStored>[1]): Promise<void> {
    // Somebody may have logged in in another window while the server was asked.
    const was_in = this.access.value.kind === 'in';
    await this.#stopSession();
    try {
      await this.#keep(session);
    } catch (error) {
      // With what this device has: the session that was stopped is of no use.
      if (was_in) await this.start();
      throw error;
    }
  }

  /** Makes an account. `link`: the one that the server printed for the first account, or an invitation. */
  async signUp(credentials: Credentials, link: NewAccount | undefined): Promise<void> {
    const body = {
      ...credentials,
      ...(link?.kind === 'setup' && { setup_code: link.code }),
      ...(link?.kind === 'invite' && { invite: link.code }),
    };
    const { send } = await loadWire();
    await this.replaceLogIn(await send(this.server, 'signup', { body }, {}, this.#stop.signal));
  }

  /**
   * Removes everything that the device keeps at once, and then ends the log-in on the server. While the server cannot
   * be told, the page says so and tells it again. The token stays in the page's memory alone: if it were stored,
   * whoever finds the device could use it.
   */
  async logOut(): Promise<void> {
    const { value } = this.access;
    let refresh_token = value.kind === 'in' ? value.session.client.refresh_token : undefined;
    const empty = async (in_time: AbortSignal): Promise<void> => {
      await this.#stopSession();
      refresh_token = (await this.#logins.read())?.refresh_token ?? refresh_token;
      await this.#kept?.end();
      // By then it was removed instead, and somebody may have logged in.
      in_time.throwIfAborted();
      await this.#database.clear();
    };
    this.access.value = (await isDone(empty)) || (await isDone(() => this.#remove())) ? OUT : { kind: 'not_emptied' };
    this.#windows.postMessage(CHANGED);
    const unsubscribed = unsubscribe();
    if (refresh_token !== undefined) await this.#end(refresh_token);
    await unsubscribed;
  }

  /** Removes the database: it could not be emptied. */
  async #remove(): Promise<void> {
    void this.#kept?.end();
    await this.#database.remove();
  }

  async #stopSession(): Promise<void> {
    if (this.access.value.kind !== 'in') return;
    // A request without an answer would be waited for.
    this.#leave.abort();
    await this.access.value.session.stop();
  }

  /** Ends a log-in on the server: now, or as soon as the server can be told. */
  async #end(refresh_token: string): Promise<void> {
    if (!(await this.#hasEnded(refresh_token))) this.#tellLater(refresh_token);
  }

  #tellLater(refresh_token: string): void {
    if (this.access.value === OUT) this.access.value = UNTOLD;
    const tell = async (): Promise<void> => {
      if (!(await this.#hasEnded(refresh_token))) return;
      clearInterval(timer);
      removeEventListener('online', onOnline);
      if (this.access.value === UNTOLD) this.access.value = OUT;
    };
    const onOnline = (): void => void tell();
    const timer = setInterval(onOnline, TELL_MS);
    addEventListener('online', onOnline);
  }

  /** Ends a log-in on the server. Whether it has ended. */
  async #hasEnded(refresh_token: string): Promise<boolean> {
    try {
      const { send } = await loadWire();
      await send(this.server, 'logout', { body: { refresh_token } }, {}, this.#stop.signal);
      return true;
    } catch (error) {
      // A log-in that the server does not know any more has ended already.
      return hasEnded(error);
    }
  }

  /** The log-in of `session` has ended, or another window of this browser has put another one in its place. */
  async #ended(session: Session): Promise<void> {
    const { value } = this.access;
    if (value.kind !== 'in' || value.session !== session || this.#leave.signal.aborted) return;
    await this.#stopSession();
    const stored = await this.#logins.read();
    if (stored?.user_id === session.client.user_id) {
      this.access.value = { kind: 'out', ended: true, email: stored.email };
      return;
    }
    await this.#kept?.end();
    if (stored) return location.reload();
    this.access.value = OUT;
    // Another window has removed everything. What this one has stored since then goes too.
    await this.#database.clearUnlessLoggedIn();
  }

  /** Somebody has logged in or out in another window. */
  readonly #onOtherWindow = async (): Promise<void> => {
    const stored = await this.#logins.read();
    const { value } = this.access;
    if (value.kind === 'in') return this.#leaveUnless(stored, value.session);
    if (value.kind !== 'out') return;
    if (!stored) {
      if (value.ended) this.access.value = OUT;
      return;
    }
    // It may be somebody else than before.
    await this.#kept?.end();
    await this.start();
  };

  async #leaveUnless(stored: Stored | undefined, session: Session): Promise<void> {
    if (stored?.user_id !== session.client.user_id) await this.#ended(session);
  }

  async #keep(session: Parameters<typeof toStored>[1]): Promise<void> {
    await this.#kept?.end();
    // At once: what it was made with, such as a link, is used up.
    const before = await this.#database.replaceLogin(toStored(this.server, session));
    this.#windows.postMessage(CHANGED);
    if (before && before.refresh_token !== session.refresh_token) void this.#end(before.refresh_token);
    if (before && before.user_id !== session.user.id) await unsubscribe();
    await this.#enter();
  }

  async #enter(): Promise<void> {
    this.#leave.abort();
    const leave = new AbortController();
    this.#leave = leave;
    const client = await Client.open(this.#logins, { signal: leave.signal });
    this.#kept = new SessionDatabase(this.#database);
    const session: Session = new Session(this.#kept, client, () => void this.#ended(session));
    await session.load();
    // A log-in in another window may have begun another one.
    if (leave.signal.aborted) return session.stop();
    const access: Access = { kind: 'in', session, email: client.email };
    this.access.value = access;
    await painted();
    // Another window may have changed the log-in before this one could hear of it.
    this.#logins
      .read()
      .then((stored) => this.#leaveUnless(stored, session))
      .catch(reportError);
    if (this.access.value === access && !leave.signal.aborted) session.start();
  }
}

/** Whether what the storage is asked for is done in time. */
async function isDone(ask: (in_time: AbortSignal) => Promise<void>): Promise<boolean> {
  try {
    const in_time = AbortSignal.timeout(STORAGE_MS);
    await unlessAborted(ask(in_time), in_time);
    return true;
  } catch (error) {
    reportError(error);
    return false;
  }
}
