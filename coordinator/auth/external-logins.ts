import type { Session } from '../../protocol/accounts.ts';
import type { SignInStart } from '../../protocol/forges.ts';
import { newId } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { Keys } from '../base/keys.ts';
import { appendAudit } from '../sqlite/audit.ts';
import type { EventLog, Tx } from '../sqlite/event-log.ts';
import {
  countLinkedAccounts,
  deleteLinkedAccount,
  findLinkedAccount,
  findLinkedAccountOf,
  insertLinkedAccount,
  renewLinkedAccount,
  type LinkedAccountRow,
} from '../sqlite/linked-accounts.ts';
import { hurryPullsWithProblem } from '../sqlite/pulls.ts';
import { findUser, findUserByEmail, NO_PASSWORD, type UserRow } from '../sqlite/users.ts';
import type { Authenticator } from './authenticator.ts';
import type { Client, Identity } from './identity.ts';
import { sealGrant, type Grant } from './linked-tokens.ts';
import { requireNotBlocked, type Logins } from './logins.ts';
import type { Limiter } from './limiter.ts';
import type { Sessions } from './sessions.ts';

type Dependencies = {
  log: EventLog;
  keys: Keys;
  authenticator: Authenticator;
  limiter: Limiter;
  logins: Logins;
  sessions: Sessions;
  now: () => number;
};

/** Who signed in at a forge or the identity provider, and what it gave for them. */
export type External = Pick<LinkedAccountRow, 'forge_id' | 'issuer' | 'subject' | 'login'> & {
  /** Confirmed by the other side. Null: none is known, and the account cannot be one's first. */
  email: string | null;
  /** Null: it gives no access to repositories. */
  grant: Grant | null;
  /** Whether the owner lets this person make an account, although sign-up is closed. */
  is_listed: boolean;
};

/** Log-ins and accounts of people who have signed in elsewhere. */
export class ExternalLogins {
  readonly #deps: Dependencies;

  constructor(dependencies: Dependencies) {
    this.#deps = dependencies;
  }

  /** Whether this person has an account here. */
  knows({ issuer, subject }: Pick<External, 'issuer' | 'subject'>): boolean {
    return findLinkedAccountOf(this.#deps.log.db, issuer, subject) !== undefined;
  }

  /**
   * Logs in, or makes an account as `Logins.signup` does, by the same rules. Rejects with `account_blocked`,
   * `setup_code_wrong`, `signup_closed`, `link_invalid`, `email_taken` or `rate_limited`.
   */
  async logIn(external: External, given: SignInStart, client: Client): Promise<Session> {
    const { log, logins, limiter, sessions } = this.#deps;
    if (!this.knows(external)) limiter.signup(client.address);
    const { user, begun } = log.write(
      (tx) => {
        const linked = findLinkedAccountOf(tx.db, external.issuer, external.subject);
        const user = linked ? this.#known(tx, linked, external) : this.#signUp(tx, external, given, client);
        const begun = sessions.begin(tx, user.id, client);
        const { address, user_agent } = client;
        const detail = { user_agent, issuer: external.issuer };
        if (linked)
          appendAudit(tx.db, { action: 'login.succeeded', user_id: user.id, address, subject: begun.session, detail });
        return { user, begun };
      },
      { urgent: true },
    );
    return logins.issue(user, begun.session, begun.refresh_token);
  }

  /**
   * Links an account, or renews its tokens. Throws `conflict` if it is somebody else's, or there are too many; and
   * `unauthenticated` if the log-in has ended while the other side was asked.
   */
  link(external: External, identity: Identity, client: Client): LinkedAccountRow {
    const { user_id } = identity;
    const { log, authenticator } = this.#deps;
    return log.write((tx) => {
      authenticator.requireLiving(identity);
      const linked = findLinkedAccountOf(tx.db, external.issuer, external.subject);
      if (linked && linked.user_id !== user_id)
        throw new ErrandError(
          'conflict',
          `${external.login} is linked to another account of this server: unlink it there first.`,
        );
      if (linked) return this.#renew(tx, linked, external);
      if (countLinkedAccounts(tx.db, user_id) >= LIMITS.linked_accounts_max)
        throw new ErrandError('conflict', `You have ${LIMITS.linked_accounts_max} linked accounts: unlink one first.`);
      return this.#insert(tx, external, user_id, client.address);
    });
  }

  /** Throws `not_found`, and `conflict` for the last way to log in. */
  unlink({ user_id }: Identity, id: string, { address }: Client): void {
    this.#deps.log.write((tx) => {
      const linked = findLinkedAccount(tx.db, id);
      if (linked?.user_id !== user_id) throw new ErrandError('not_found', 'You have no such linked account.');
      const { issuer, login } = linked;
      if (findUser(tx.db, user_id)?.password_hash === NO_PASSWORD && countLinkedAccounts(tx.db, user_id) === 1)
        throw new ErrandError('conflict', 'This is the only way to log in to your account: set a password first.');
      deleteLinkedAccount(tx.db, user_id, id);
      appendAudit(tx.db, { action: 'account.unlinked', user_id, address, subject: id, detail: { issuer, login } });
    });
  }

  #known(tx: Tx, linked: LinkedAccountRow, external: External): UserRow {
    const user = findUser(tx.db, linked.user_id);
    if (!user) throw new ErrandError('unauthenticated', 'The account was deleted.');
    requireNotBlocked(user);
    this.#renew(tx, linked, external);
    return user;
  }

  #signUp(tx: Tx, external: External, given: SignInStart, client: Client): UserRow {
    const { issuer, login, email } = external;
    const { logins } = this.#deps;
    if (email === null)
      throw new ErrandError(
        'signup_closed',
        `${new URL(issuer).host} confirms no e-mail address of yours, and an account here needs one.`,
      );
    logins.requireAllowed({ email, ...given }, { is_listed: external.is_listed });
    if (findUserByEmail(tx.db, email))
      throw new ErrandError(
        'email_taken',
        `There is an account ${email} already. If it is yours, log in with its password, and link ${login} in the settings.`,
      );
    const user = logins.insert(tx, { email, password_hash: NO_PASSWORD, invite: given.invite }, client, {
      issuer,
      login,
    });
    this.#insert(tx, external, user.id, client.address);
    return user;
  }

  #insert(tx: Tx, external: External, user_id: string, address: string): LinkedAccountRow {
    const { forge_id, issuer, subject, login, grant } = external;
    const [id, created_at] = [newId(), new Date(this.#deps.now()).toISOString()];
    const sealed = sealGrant(this.#deps.keys, id, grant);
    const linked = { id, user_id, forge_id, issuer, subject, login, ...sealed, created_at };
    insertLinkedAccount(tx.db, linked);
    this.#lookAtPulls(tx, linked);
    appendAudit(tx.db, { action: 'account.linked', user_id, address, subject: id, detail: { issuer, login } });
    return linked;
  }

  /** A forge may be the identity provider too: a sign-in that gives no access takes none away. */
  #renew(tx: Tx, linked: LinkedAccountRow, { forge_id, login, grant }: External): LinkedAccountRow {
    if (grant === null && linked.forge_id !== null) return linked;
    const renewed = { ...linked, forge_id, login, ...sealGrant(this.#deps.keys, linked.id, grant) };
    renewLinkedAccount(tx.db, renewed);
    this.#lookAtPulls(tx, renewed);
    return renewed;
  }

  /** What the forge refused to the old link, it may show with the new one. */
  #lookAtPulls(tx: Tx, { user_id, issuer }: LinkedAccountRow): void {
    hurryPullsWithProblem(tx.db, user_id, issuer, new Date(this.#deps.now()).toISOString());
    tx.announce('pulls');
  }
}
