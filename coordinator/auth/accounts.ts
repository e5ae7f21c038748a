import type { z } from 'zod';
import type { PasswordChange, PasswordResetDone, User } from '../../protocol/accounts.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { removeAccount } from '../tasks/account-commands.ts';
import { appendAudit } from '../sqlite/audit.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import { findUser, NO_PASSWORD, updatePassword, type UserRow } from '../sqlite/users.ts';
import type { Authenticator } from './authenticator.ts';
import type { Client, Identity } from './identity.ts';
import type { Limiter } from './limiter.ts';
import type { Passwords } from './passwords.ts';
import { resetPassword } from './reset-password.ts';
import type { Sessions } from './sessions.ts';
import { userView } from './user-view.ts';

type Dependencies = {
  log: EventLog;
  authenticator: Authenticator;
  limiter: Limiter;
  passwords: Passwords;
  sessions: Sessions;
};

type ConfirmationField = 'old_password' | 'password';

/** What people do to their accounts, and the owner to those of others. */
export class Accounts {
  readonly #deps: Dependencies;

  constructor(dependencies: Dependencies) {
    this.#deps = dependencies;
  }

  me({ user_id }: Identity): User {
    return userView(this.find(user_id));
  }

  /**
   * Changes the password and ends all other log-ins. A repeat with the same two passwords changes nothing and succeeds,
   * since the first answer may have been lost. Rejects with `wrong_credentials` or `rate_limited`, as a log-in does.
   */
  async changePassword(
    identity: Identity,
    { old_password, new_password }: z.output<typeof PasswordChange>,
    client: Client,
  ): Promise<void> {
    const { log, passwords, sessions, authenticator } = this.#deps;
    const { id, password_hash } = this.find(identity.user_id);
    const candidates = old_password === undefined ? [] : [old_password, new_password];
    const given = await this.#confirmPassword(identity, candidates, client, 'old_password');
    if (given === new_password && given !== old_password) return;
    const new_hash = await passwords.hash(new_password, { lane: 'known', whose: id });
    log.write((tx) => {
      authenticator.requireLiving(identity);
      // Another change, or a reset, may have come in while this one was being hashed.
      if (!updatePassword(tx.db, id, password_hash, new_hash)) throw wrongPassword('old_password');
      sessions.endAll(tx, id, { except: identity.session, why: 'the password was changed' });
      appendAudit(tx.db, { action: 'password.changed', user_id: id, address: client.address });
    });
  }

  /**
   * Gives someone else a new random password; for the owner only. Rejects with `forbidden` for anyone else, `not_found`
   * if there is no such account, and `conflict` for the owner's own: a stolen access token must not be enough to take
   * over the server.
   */
  async resetPasswordOf(identity: Identity, email: string, client: Client): Promise<PasswordResetDone> {
    const owner = this.requireOwner(identity);
    if (owner.email === email)
      throw new ErrandError(
        'conflict',
        'This is your own account: change your password instead. If you forgot it, reset it on the command line of the server.',
      );
    const check = (): void => this.#deps.authenticator.requireLiving(identity);
    return resetPassword(this.#deps, email, { user_id: owner.id, address: client.address }, check);
  }

  /**
   * Deletes the account with all that belongs to it, and ends its log-ins. Rejects with `wrong_credentials` or
   * `rate_limited`, as a log-in does, and with `conflict` (see `removeAccount`).
   */
  async remove(identity: Identity, password: string | undefined, client: Client): Promise<void> {
    const { log, sessions, authenticator } = this.#deps;
    await this.#confirmPassword(identity, password === undefined ? [] : [password], client, 'password');
    log.write((tx) => {
      authenticator.requireLiving(identity);
      const user = this.find(identity.user_id);
      appendAudit(tx.db, { action: 'account.removed', user_id: user.id, address: client.address });
      removeAccount(tx, user);
      sessions.endAll(tx, user.id, { why: 'the account was removed' });
    });
  }

  /**
   * Confirms what lets somebody in for longer than this log-in. Soon after it nothing more is needed; later the
   * password, and without one a new log-in. Rejects with `wrong_credentials` or `rate_limited`, as a log-in does.
   */
  async confirm(identity: Identity, password: string | undefined, client: Client): Promise<void> {
    if (this.#deps.sessions.isFresh(identity)) return;
    await this.#confirmPassword(identity, password === undefined ? [] : [password], client, 'password');
  }

  /** The account, if it is the owner's. Throws `forbidden` for anyone else. */
  requireOwner({ user_id }: Identity): UserRow {
    const user = this.find(user_id);
    if (user.role !== 'owner') throw new ErrandError('forbidden', "Only the server's owner can do this.");
    return user;
  }

  /**
   * Which candidate is the account's password. An account without one needs none, soon after its log-in. Rejects with
   * `wrong_credentials` otherwise: a failed log-in. `field`: of the request, where it was given.
   */
  async #confirmPassword(
    who: Identity,
    candidates: string[],
    { address }: Client,
    field: ConfirmationField,
  ): Promise<string | undefined> {
    const { limiter, passwords, sessions } = this.#deps;
    const { id, email, password_hash } = this.find(who.user_id);
    if (password_hash === NO_PASSWORD) {
      if (sessions.isFresh(who)) return undefined;
      const text =
        'Your account has no password, and you logged in some time ago: log out, sign in again, and repeat this.';
      throw new ErrandError('wrong_credentials', text);
    }
    // Nothing was guessed, so it does not count as a try.
    if (candidates.length === 0) throw wrongPassword(field, 'needed');
    const admission = limiter.login({ email, user_id: id, address, logged_in: true });
    for (const candidate of candidates)
      if (await passwords.matches(candidate, password_hash, admission.place)) {
        admission.succeeded();
        return candidate;
      }
    throw wrongPassword(field);
  }

  /** The account. Throws `unauthenticated` if it was deleted. */
  find(user_id: string): UserRow {
    const user = findUser(this.#deps.log.db, user_id);
    if (!user) throw new ErrandError('unauthenticated', 'The account was deleted.');
    return user;
  }
}

function wrongPassword(field: ConfirmationField, fault: 'wrong' | 'needed' = 'wrong'): ErrandError {
  const message = fault === 'wrong' ? 'is not your current password' : 'is needed';
  return new ErrandError('wrong_credentials', `Your current password is ${fault}.`, {
    errors: [{ field: `/${field}`, message }],
  });
}
