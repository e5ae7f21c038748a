import type { z } from 'zod';
import type { Login, Session, Signup } from '../../protocol/accounts.ts';
import { newId } from '../../protocol/ids.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import { findUser, findUserByEmail, hasUsers, insertUser, type UserRow } from '../sqlite/users.ts';
import { ACCESS_TOKEN_S, type AccessTokens } from './access-tokens.ts';
import type { Client } from './identity.ts';
import type { Limiter } from './limiter.ts';
import type { Passwords } from './passwords.ts';
import type { Sessions } from './sessions.ts';
import { userView } from './user-view.ts';

type Dependencies = {
  log: EventLog;
  /** Whether people can sign up once the server has an owner. */
  signup: 'open' | 'closed';
  access_tokens: AccessTokens;
  limiter: Limiter;
  passwords: Passwords;
  sessions: Sessions;
  now: () => number;
};

/** The ways to get tokens: sign-up, log-in and refresh; and the log-out that ends them. */
export class Logins {
  readonly #deps: Dependencies;

  constructor(dependencies: Dependencies) {
    this.#deps = dependencies;
  }

  /**
   * Creates an account and logs it in. The first one is the owner; whether others may sign up is a setting. Rejects
   * with `signup_closed`, `email_taken` or `rate_limited`.
   */
  async signup({ email, password }: z.output<typeof Signup>, client: Client): Promise<Session> {
    const { log, limiter, passwords, sessions, now } = this.#deps;
    this.#requireOpen();
    limiter.signup(client.address);
    const password_hash = await passwords.hash(password);
    const { user, session, refresh_token } = log.write((tx) => {
      // Someone else may have signed up while this password was being hashed.
      this.#requireOpen();
      if (findUserByEmail(tx.db, email))
        throw new ErrandError('email_taken', 'There is an account with this e-mail address already.');
      const created_at = new Date(now()).toISOString();
      const role = hasUsers(tx.db) ? 'member' : 'owner';
      const user: UserRow = { id: newId(), email, password_hash, role, created_at };
      insertUser(tx.db, user);
      return { user, ...sessions.begin(tx, user.id, client) };
    });
    return this.#issue(user, session, refresh_token);
  }

  /**
   * Logs in. Rejects with `rate_limited`, or with `wrong_credentials`, which takes as long whether or not the account
   * exists.
   */
  async login({ email, password }: z.output<typeof Login>, client: Client): Promise<Session> {
    const { log, limiter, passwords, sessions } = this.#deps;
    const user = findUserByEmail(log.db, email);
    const admission = limiter.login(email, user?.id, client.address);
    const matches = await passwords.matches(password, user?.password_hash);
    if (!user || !matches) throw wrongCredentials();
    const { session, refresh_token } = log.write((tx) => {
      // While the password was being checked, it may have been changed, or the account deleted.
      if (findUserByEmail(tx.db, email)?.password_hash !== user.password_hash) throw wrongCredentials();
      return sessions.begin(tx, user.id, client);
    });
    admission.succeeded(user.id);
    return this.#issue(user, session, refresh_token);
  }

  /** Exchanges a refresh token. Rejects with `unauthenticated` or `refresh_reused`. */
  async refresh(token: string, client: Client): Promise<Session> {
    const { user_id, session, refresh_token } = this.#deps.sessions.refresh(token, client);
    const user = findUser(this.#deps.log.db, user_id);
    if (!user) throw new ErrandError('unauthenticated', 'The account was deleted.');
    return this.#issue(user, session, refresh_token);
  }

  /** Ends the log-in of a refresh token, and with it its access tokens and sockets. */
  logout(token: string): void {
    this.#deps.sessions.end(token);
  }

  #requireOpen(): void {
    const { log, signup } = this.#deps;
    if (signup === 'closed' && hasUsers(log.db))
      throw new ErrandError('signup_closed', 'Sign-up is closed on this server: its owner can open it.');
  }

  async #issue(user: UserRow, session: string, refresh_token: string): Promise<Session> {
    return {
      user: userView(user),
      access_token: await this.#deps.access_tokens.sign(user.id, session),
      refresh_token,
      expires_in: ACCESS_TOKEN_S,
    };
  }
}

function wrongCredentials(): ErrandError {
  return new ErrandError('wrong_credentials', 'The e-mail address or the password is wrong.');
}
