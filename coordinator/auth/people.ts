import type { OneTimeLink } from '../../protocol/accounts.ts';
import type { Person } from '../../protocol/people.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { appendAudit } from '../sqlite/audit.ts';
import type { EventLog, Tx } from '../sqlite/event-log.ts';
import { findPerson, listPeople } from '../sqlite/people.ts';
import { markBlocked, markUnblocked, type UserRow } from '../sqlite/users.ts';
import { removeAccount } from '../tasks/account-commands.ts';
import { cancelAllOf } from '../tasks/task-commands.ts';
import type { Accounts } from './accounts.ts';
import type { Client, Identity } from './identity.ts';
import type { LinkCodes } from './link-codes.ts';
import type { Sessions } from './sessions.ts';

type Dependencies = { log: EventLog; accounts: Accounts; sessions: Sessions; links: LinkCodes; now: () => number };

/** How the owner of the server manages its people. Each method throws `forbidden` for anyone else. */
export class People {
  readonly #deps: Dependencies;

  constructor(dependencies: Dependencies) {
    this.#deps = dependencies;
  }

  /** A page of the accounts, oldest first, made after the account `after`. */
  list(identity: Identity, after: string | undefined, limit: number): Person[] {
    const { accounts, log } = this.#deps;
    accounts.requireOwner(identity);
    return listPeople(log.db, { after, limit, month: this.#month() });
  }

  /** Ends all that the person does here. Throws `not_found`, or `conflict` for the owner. */
  block(identity: Identity, id: string, client: Client): Person {
    const owner = this.#deps.accounts.requireOwner(identity);
    this.#deps.log.write((tx) => this.#block(tx, owner, id, client), { urgent: true });
    return this.#person(id);
  }

  /** Throws `not_found`. */
  unblock(identity: Identity, id: string, client: Client): Person {
    const { accounts, log } = this.#deps;
    const owner = accounts.requireOwner(identity);
    log.write((tx) => {
      const { email } = this.#person(id);
      if (!markUnblocked(tx.db, id)) return;
      const by = { user_id: owner.id, address: client.address };
      appendAudit(tx.db, { action: 'account.unblocked', subject: id, detail: { email }, ...by });
    });
    return this.#person(id);
  }

  /**
   * Blocks a person, and deletes the account with all that belongs to it. Throws `conflict` while errands are still
   * being stopped: the person stays blocked then.
   */
  remove(identity: Identity, id: string, client: Client): void {
    const { accounts, log } = this.#deps;
    const owner = accounts.requireOwner(identity);
    log.write((tx) => this.#block(tx, owner, id, client));
    log.write((tx) => {
      const { email, errands } = this.#person(id);
      if (errands > 0)
        throw new ErrandError(
          'conflict',
          'The person is blocked, and the last errands are being stopped: remove the account in a moment.',
        );
      removeAccount(tx, accounts.find(id));
      const by = { user_id: owner.id, address: client.address };
      appendAudit(tx.db, { action: 'account.removed', subject: id, detail: { email }, ...by });
    });
  }

  /** Makes an invitation. Throws `conflict` if too many are open. */
  invite(identity: Identity, days: number, client: Client): OneTimeLink {
    const { accounts, log, links } = this.#deps;
    const { id: user_id } = accounts.requireOwner(identity);
    return log.write((tx) => {
      const link = links.createInvite(tx, user_id, identity.session, days);
      const { id: subject, expires_at } = link;
      appendAudit(tx.db, {
        action: 'invite.created',
        user_id,
        address: client.address,
        subject,
        detail: { expires_at },
      });
      return link;
    });
  }

  invites(identity: Identity) {
    return this.#deps.links.invites(this.#deps.accounts.requireOwner(identity).id);
  }

  /** Throws `not_found` if the invitation was used, or revoked before. */
  revokeInvite(identity: Identity, subject: string, client: Client): void {
    const { accounts, log, links } = this.#deps;
    const { id: user_id } = accounts.requireOwner(identity);
    log.write((tx) => {
      links.revokeInvite(tx, user_id, subject);
      appendAudit(tx.db, { action: 'invite.revoked', user_id, address: client.address, subject });
    });
  }

  #block(tx: Tx, owner: UserRow, id: string, client: Client): void {
    const { email, role } = this.#person(id);
    if (role === 'owner') throw new ErrandError('conflict', 'The owner of the server cannot be blocked or removed.');
    const errands = cancelAllOf(tx, id, 'The owner of the server has blocked your account.');
    if (!markBlocked(tx.db, id, new Date(this.#deps.now()).toISOString())) return;
    this.#deps.sessions.endAll(tx, id, { why: 'the account was blocked' });
    const by = { user_id: owner.id, address: client.address };
    appendAudit(tx.db, { action: 'account.blocked', subject: id, detail: { email, errands }, ...by });
  }

  #person(id: string): Person {
    const person = findPerson(this.#deps.log.db, id, this.#month());
    if (!person) throw new ErrandError('not_found', 'There is no such account.');
    return person;
  }

  /** The month that money is counted in, such as `2026-11`. */
  #month(): string {
    return new Date(this.#deps.now()).toISOString().slice(0, 7);
  }
}
