import type { z } from 'zod';
import type { Login, Session, Signup } from '../../protocol/accounts.ts';
import { newId } from '../../protocol/ids.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { Config } from '../base/config.ts';
import { networkOf } from '../base/network-of.ts';
import { appendAudit } from '../sqlite/audit.ts';
import type { EventLog, Tx } from '../sqlite/event-log.ts';
import { findUser, findUserByEmail, hasUsers, insertUser, type UserRow } from '../sqlite/users.ts';
import { ACCESS_TOKEN_S, type AccessTokens } from './access-tokens.ts';
import type { Client } from './identity.ts';
import type { LinkCodes } from './link-codes.ts';
import type { Limiter } from './limiter.ts';
import type { Lane, Passwords } from './passwords.ts';
import type { Sessions } from './sessions.ts';
import { isSetupCode } from './setup-code.ts';
import { userView } from './user-view.ts';

type Dependencies = {
  log: EventLog;
  /** Whether people can sign up once the server has an owner, and with which addresses they cannot. */
  config: Pick<Config, 'signup' | 'git_token_users'>;
  /** What the first account needs. */
  setup_code: string;
  access_tokens: AccessTokens;
  limiter: Limiter;
  /** Where invitations are redeemed. */
  links: LinkCodes;
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
   * Creates an account and logs it in. The first one is the owner and needs the setup code; whether others may sign up
   * is a setting, and an invitation lets one sign up anyway. Rejects with `setup_code_wrong`, `signup_closed`,
   * `link_invalid`, `email_taken` or `rate_limited`.
   */
  async signup(given: z.output<typeof Signup>, client: Client): Promise<Session> {
    const { log, limiter, passwords, sessions } = this.#deps;
    const { email, password, invite } = given;
    const guess = invite === undefined ? undefined : limiter.link(client.address);
    const lane = this.requireAllowed(given);
    guess?.succeeded();
    limiter.signup(client.address);
    const password_hash = await passwords.hash(password, { lane, whose: networkOf(client.address) });
    const { user, session, refresh_token } = log.write((tx) => {
      // Someone else may have signed up while this password was being hashed.
      this.requireAllowed(given);
      if (findUserByEmail(tx.db, email))
        throw new ErrandError('email_taken', 'There is an account with this e-mail address already.');
      const user = this.insert(tx, { email, password_hash, invite }, client);
      return { user, ...sessions.begin(tx, user.id, client) };
    });
    return this.issue(user, session, refresh_token);
  }

  /**
   * Logs in. Rejects with `rate_limited`, or with `wrong_credentials`, which takes as long whether or not the account
   * exists; and with `account_blocked`, which only who knows the password learns.
   */
  async login({ email, password }: z.output<typeof Login>, client: Client): Promise<Session> {
    const { log, limiter, passwords, sessions } = this.#deps;
    const user = findUserByEmail(log.db, email);
    const admission = limiter.login({ email, user_id: user?.id, address: client.address });
    const matches = await passwords.matches(password, user?.password_hash, admission.place);
    if (user && (!matches || user.blocked_at !== null)) this.#auditFailure(user, client, { blocked: matches });
    if (!user || !matches) throw wrongCredentials();
    // What is refused from here on was no guess.
    admission.succeeded();
    const { session, refresh_token } = log.write(
      (tx) => {
        // While the password was being checked, it may have been changed, or the account deleted.
        const fresh = findUserByEmail(tx.db, email);
        if (fresh?.password_hash !== user.password_hash) throw wrongCredentials();
        requireNotBlocked(fresh);
        const begun = sessions.begin(tx, user.id, client);
        const { address, user_agent } = client;
        const detail = { user_agent };
        appendAudit(tx.db, { action: 'login.succeeded', user_id: user.id, address, subject: begun.session, detail });
        return begun;
      },
      { urgent: true },
    );
    return this.issue(user, session, refresh_token);
  }

  /** Guesses at accounts that do not exist are not recorded: strangers could fill the log with them. */
  #auditFailure({ id, email }: UserRow, { address }: Client, detail: { blocked: boolean }): void {
    this.#deps.log.write((tx) => appendAudit(tx.db, { action: 'login.failed', email, address, subject: id, detail }), {
      urgent: true,
    });
  }

  /** Exchanges a refresh token. Rejects with `unauthenticated` or `refresh_reused`. */
  async refresh(token: string, client: Client): Promise<Session> {
    const { user_id, session, refresh_token } = this.#deps.sessions.refresh(token, client);
    const user = findUser(this.#deps.log.db, user_id);
    if (!user) throw new ErrandError('unauthenticated', 'The account was deleted.');
    return this.issue(user, session, refresh_token);
  }

  /** Ends the log-in of a refresh token, and with it its access tokens and sockets. */
  logout(token: string): void {
    this.#deps.sessions.end(token);
  }

  /** Adds an account that is allowed, in the caller's transaction. `detail`: what the audit log has of it. */
  insert(
    tx: Tx,
    { email, password_hash, invite }: Pick<UserRow, 'email' | 'password_hash'> & { invite: string | undefined },
    { address }: Client,
    detail: Record<string, unknown> = {},
  ): UserRow {
    const created_at = new Date(this.#deps.now()).toISOString();
    const role = hasUsers(tx.db) ? 'member' : 'owner';
    const user: UserRow = { id: newId(), email, password_hash, role, created_at, blocked_at: null };
    insertUser(tx.db, user);
    const invited = role === 'member' && invite !== undefined && this.#useInvite(tx, invite);
    appendAudit(tx.db, {
      action: 'account.created',
      user_id: user.id,
      address,
      detail: { role, ...detail, ...invited },
    });
    return user;
  }

  #useInvite(tx: Tx, code: string): { invite: string; invited_by: string } {
    const { id, user_id } = this.#deps.links.redeem(tx, 'invite', code);
    return { invite: id, invited_by: user_id };
  }

  /**
   * Throws if nobody can sign up like this now. `is_listed`: the owner named the person in the settings. Returns
   * in which lane to wait for the hash: strangers do not delay the owner.
   */
  requireAllowed(
    { email, setup_code: given, invite }: Omit<z.output<typeof Signup>, 'password'>,
    { is_listed = false } = {},
  ): Lane {
    const { log, config, links, setup_code } = this.#deps;
    if (!hasUsers(log.db)) {
      if (given === undefined || !isSetupCode(given, setup_code)) throw wrongSetupCode(given);
      return 'known';
    }
    if (invite !== undefined) links.require('invite', invite);
    else if (config.signup === 'closed' && !is_listed)
      throw new ErrandError('signup_closed', 'Sign-up is closed on this server: its owner can invite you.');
    // Nobody confirms an address, so one that the owner trusts with the server's git token must have its account
    // before.
    if (config.git_token_users.includes(email))
      throw new ErrandError('email_taken', 'No account can be made with this e-mail address.');
    return invite === undefined ? 'strangers' : 'known';
  }

  /** Whether anybody can sign up, without a code or an invitation. */
  takesAnybody(): boolean {
    const { log, config } = this.#deps;
    return config.signup === 'open' && hasUsers(log.db);
  }

  /** What a client gets that has just logged in. */
  async issue(user: UserRow, session: string, refresh_token: string): Promise<Session> {
    return {
      user: userView(user),
      access_token: await this.#deps.access_tokens.sign(user.id, session),
      refresh_token,
      expires_in: ACCESS_TOKEN_S,
    };
  }
}

/** Throws `account_blocked`. */
export function requireNotBlocked({ blocked_at }: UserRow): void {
  if (blocked_at !== null)
    throw new ErrandError('account_blocked', 'The owner of this server has blocked your account.');
}

function wrongCredentials(): ErrandError {
  return new ErrandError('wrong_credentials', 'The e-mail address or the password is wrong.');
}

function wrongSetupCode(given: string | undefined): ErrandError {
  const message = given === undefined ? 'is missing' : 'is not that of this server, or was mistyped';
  return new ErrandError(
    'setup_code_wrong',
    `The first account owns the server. Its one-time code ${message}: sign up with the whole link that the server printed when it started.`,
    { errors: [{ field: '/setup_code', message }] },
  );
}
