import { signal } from '@preact/signals';
import { Client } from '../../client/client.ts';
import { LoggedOut, Refusal } from '../../client/errors.ts';
import { send } from '../../client/http.ts';
import { toStored, type SessionStore } from '../../client/session.ts';
import { Database, databaseName } from './database.ts';
import { unsubscribe } from './push.ts';
import { BASE } from './routes.ts';
import { Session } from './session.ts';
import { sessionStore } from './storage.ts';

/** Whether somebody is logged in. `ended`: the server ended the log-in, and what the device has is kept for the next. */
export type Access =
  | { kind: 'loading' }
  | { kind: 'out'; ended: boolean; email: string }
  | { kind: 'in'; session: Session; email: string };

/** The code of a link by which one may make an account. */
export type NewAccount = { kind: 'setup' | 'invite'; code: string };

export type Credentials = { email: string; password: string };

/** The app's state: who is logged in, and with them everything else. */
export class Store {
  readonly access = signal<Access>({ kind: 'loading' });
  // Another server may be at another path of the same host.
  readonly #database = new Database(databaseName(BASE));
  readonly #logins: SessionStore = sessionStore(this.#database);
  readonly #stop = new AbortController();
  /** The app's own server. */
  readonly server: string;

  constructor(server: string) {
    this.server = server;
  }

  /** Continues the log-in that this device has. */
  async start(): Promise<void> {
    try {
      await this.#enter();
    } catch (error) {
      if (!(error instanceof LoggedOut)) throw error;
      this.access.value = { kind: 'out', ended: false, email: '' };
    }
  }

  async logIn(body: Credentials): Promise<void> {
    await this.#keep(await send(this.server, 'login', { body }, {}, this.#stop.signal));
  }

  /** Logs in with the code of a log-in link, in place of who is logged in on this device. */
  async logInByLink(code: string): Promise<void> {
    await this.replaceLogIn(await send(this.server, 'linkLogin', { body: { code } }, {}, this.#stop.signal));
  }

  /** Goes on with a log-in that was made already, in place of who is logged in on this device. */
  async replaceLogIn(session: Parameters<typeof toStored>[1]): Promise<void> {
    if (this.access.value.kind === 'in') await this.access.value.session.stop();
    await this.#keep(session);
  }

  /** Makes an account. `link`: the one that the server printed for the first account, or an invitation. */
  async signUp(credentials: Credentials, link: NewAccount | undefined): Promise<void> {
    const body = {
      ...credentials,
      ...(link?.kind === 'setup' && { setup_code: link.code }),
      ...(link?.kind === 'invite' && { invite: link.code }),
    };
    await this.#keep(await send(this.server, 'signup', { body }, {}, this.#stop.signal));
  }

  /** Ends the log-in here and on the server, and removes everything that the device keeps. */
  async logOut(): Promise<void> {
    const stored = await this.#logins.read();
    if (this.access.value.kind === 'in') await this.access.value.session.stop();
    if (stored) {
      const { refresh_token } = stored;
      // A log-in that the server does not know any more has ended already.
      await send(this.server, 'logout', { body: { refresh_token } }, {}, this.#stop.signal).catch((error: unknown) => {
        if (!(error instanceof Refusal)) throw error;
      });
    }
    await unsubscribe().catch(() => undefined);
    await this.#database.clear();
    this.access.value = { kind: 'out', ended: false, email: '' };
  }

  async #keep(session: Parameters<typeof toStored>[1]): Promise<void> {
    const before = await this.#logins.read();
    if (before && before.user_id !== session.user.id) await this.#database.clear();
    await this.#logins.write(toStored(this.server, session));
    await this.#enter();
  }

  async #enter(): Promise<void> {
    const client = await Client.open(this.#logins, { signal: this.#stop.signal });
    const { email } = client;
    const session = new Session(this.#database, client, () => {
      void session.stop();
      this.access.value = { kind: 'out', ended: true, email };
    });
    await session.start();
    this.access.value = { kind: 'in', session, email };
  }
}
