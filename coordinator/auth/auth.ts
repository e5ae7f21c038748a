import type { z } from 'zod';
import type { Login, Session, Signup, User } from '../../protocol/api.ts';
import { newId } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { Config } from '../base/config.ts';
import type { Keys } from '../base/keys.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import type { Signals } from '../tasks/signals.ts';
import { removeAccount } from '../tasks/account-commands.ts';
import { readMeta } from '../sqlite/database.ts';
import { findUser, findUserByEmail, hasUsers, insertUser, type UserRow } from '../sqlite/users.ts';
import { AccessTokens } from './access-tokens.ts';
import type { Identity } from './identity.ts';
import { Limiter } from './limiter.ts';
import { Passwords } from './passwords.ts';
import { Sessions, type SessionListener } from './sessions.ts';
import { Tickets } from './tickets.ts';

type Deps = {
  config: Pick<Config, 'signup'>;
  log: EventLog;
  keys: Keys;
  passwords?: Passwords;
  /** Milliseconds since 1970. */
  now?: () => number;
};

/** Accounts and log-ins, for the HTTP API and the socket. */
export type Auth = ReturnType<typeof createAuth>;

/** Puts the parts of log-in together. It holds no handle: there is nothing to close. */
export function createAuth({ config, log, keys, passwords = new Passwords(), now = Date.now }: Deps) {
  const access = new AccessTokens(keys.access, readMeta(log.db, 'instance'), now);
  const sessions = new Sessions(log, keys, now);
  const limiter = new Limiter(log, now);
  const tickets = new Tickets(now);

  const answer = async (user: UserRow, session: string, refresh_token: string): Promise<Session> => ({
    user: userView(user),
    access_token: await access.sign(user.id, session),
    refresh_token,
    expires_in: LIMITS.access_token_s,
  });
  const userOf = (id: string): UserRow => {
    const user = findUser(log.db, id);
    if (!user) throw new ErrandError('unauthenticated', 'The account is gone.');
    return user;
  };
  const requireLiving = (identity: Identity): void => {
    if (!sessions.lives(identity)) throw new ErrandError('unauthenticated', 'This log-in was ended: log in again.');
  };
  const isOpen = (): boolean => config.signup === 'open' || !hasUsers(log.db);
  const refuseIfClosed = (): void => {
    if (!isOpen()) throw new ErrandError('signup_closed', 'Sign-up is closed on this server: its owner can open it.');
  };

  return {
    /** Makes an account and logs it in. The first one is the owner; whether others may follow is a setting. */
    async signup({ email, password }: z.output<typeof Signup>, address: string): Promise<Session> {
      refuseIfClosed();
      limiter.signup(address);
      const password_hash = await passwords.hash(password);
      const { user, session, refresh_token } = log.write((tx) => {
        // Another may have signed up while this password was being hashed.
        refuseIfClosed();
        if (findUserByEmail(tx.db, email))
          throw new ErrandError('email_taken', 'There is an account with this e-mail address already.');
        const created_at = new Date(now()).toISOString();
        const role = hasUsers(tx.db) ? 'member' : 'owner';
        const user: UserRow = { id: newId(), email, password_hash, role, created_at };
        insertUser(tx.db, user);
        return { user, ...sessions.begin(tx, user.id) };
      });
      return answer(user, session, refresh_token);
    },

    /** Logs in. Throws `wrong_credentials`, after the same work whether or not there is such an account, or `rate_limited`. */
    async login({ email, password }: z.output<typeof Login>, address: string): Promise<Session> {
      const user = findUserByEmail(log.db, email);
      const admission = limiter.login(email, user?.id, address);
      const right = await passwords.matches(password, user?.password_hash);
      // The account may have been removed while the password was being checked.
      if (!user || !right || !findUserByEmail(log.db, email))
        throw new ErrandError('wrong_credentials', 'The e-mail address or the password is wrong.');
      admission.succeeded(user.id);
      const { session, refresh_token } = log.write((tx) => sessions.begin(tx, user.id));
      return answer(user, session, refresh_token);
    },

    /** Exchanges a refresh token. Throws `unauthenticated` or `refresh_reused`. */
    async refresh(token: string): Promise<Session> {
      const { user_id, session, refresh_token } = sessions.refresh(token);
      return answer(userOf(user_id), session, refresh_token);
    },

    /** Ends the log-in that a refresh token belongs to, and with it its access tokens and sockets. */
    logout: (token: string): void => sessions.end(token),

    /** Who bears this access token. Throws `unauthenticated`, also where its log-in was ended. */
    async authenticate(bearer: string): Promise<Identity> {
      const identity = await access.verify(bearer);
      requireLiving(identity);
      return identity;
    },

    /** Throws `unauthenticated` where the log-in was ended since it was authenticated. */
    requireLiving,

    me: (identity: Identity): User => userView(userOf(identity.user_id)),

    /**
     * Removes the account of who is logged in, with all that is theirs, and ends its log-ins. Throws `wrong_credentials` or `rate_limited`, as a
     * log-in does, and `conflict` (see `removeAccount`).
     */
    async remove(
      identity: Identity,
      password: string,
      address: string,
      signals: Pick<Signals, 'removed'>,
    ): Promise<void> {
      const { id, email, password_hash } = userOf(identity.user_id);
      const admission = limiter.login(email, id, address);
      if (!(await passwords.matches(password, password_hash)))
        throw new ErrandError('wrong_credentials', 'The password is wrong.');
      requireLiving(identity);
      admission.succeeded(id);
      log.write((tx) => {
        removeAccount(tx, signals, userOf(id));
        sessions.endAll(tx, id);
      });
    },

    /** A one-time ticket for the socket, good for `LIMITS.ws_ticket_s` seconds. */
    issueTicket: (identity: Identity): string => tickets.issue(identity),

    /** Who a ticket was given to; undefined for one that is spent, expired or unknown, or whose log-in was ended. */
    redeemTicket(ticket: string): Identity | undefined {
      const identity = tickets.redeem(ticket);
      return identity && sessions.lives(identity) ? identity : undefined;
    },

    /** Tells of each log-in that ends (a log-out, a reuse): its sockets are closed. Gives the function that stops it. */
    onSessionEnded: (listener: SessionListener): (() => void) => sessions.onEnded(listener),
  };
}

function userView({ id, email, role, created_at }: UserRow): User {
  return { id, email, role, created_at };
}
