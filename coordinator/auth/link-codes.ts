import { createHash, randomBytes } from 'node:crypto';
import type { OneTimeLink } from '../../protocol/accounts.ts';
import { newId } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { Invite } from '../../protocol/people.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { EventLog, Tx } from '../sqlite/event-log.ts';
import {
  countLinkCodes,
  deleteLinkCode,
  deleteOldLinkCodes,
  findLinkCode,
  insertLinkCode,
  listLinkCodes,
  pruneLinkCodes,
  type LinkCodeRow,
  type LinkKind,
} from '../sqlite/link-codes.ts';

const DAY_S = 24 * 3600;
/** 192 random bits: nobody finds one by guessing. */
const CODE_BYTES = 24;

const FOR_SOMETHING_ELSE: Record<LinkKind, string> = {
  invite: 'This is the code of an invitation, which makes an account: sign up with the whole link of it.',
  login: 'This is the code of a log-in link, which makes no account: log in with the whole link of it.',
};

/**
 * Where links lead. `public_url`: the address that people use; undefined: not known. `networkUrl`: one at which other
 * devices of the network reach the server now; undefined: there is none.
 */
export type LinkAddresses = { public_url: string | undefined; networkUrl: () => string | undefined };

/** Makes and redeems the codes of links that work once: to log in, and to sign up by invitation. */
export class LinkCodes {
  readonly #log: EventLog;
  readonly #now: () => number;
  readonly #addresses: LinkAddresses;

  constructor(log: EventLog, addresses: LinkAddresses, now: () => number) {
    this.#log = log;
    this.#now = now;
    this.#addresses = addresses;
  }

  /** Makes a log-in link. It is void once the log-in `session` ends; null: it was made on the server's machine. */
  createLogin(tx: Tx, user_id: string, session: string | null): OneTimeLink {
    deleteOldLinkCodes(tx.db, user_id, 'login', LIMITS.login_links_per_user_max - 1);
    return this.#create(tx, { kind: 'login', user_id, session }, LIMITS.login_link_s);
  }

  /** Makes an invitation. Throws `conflict` if too many are open. */
  createInvite(tx: Tx, user_id: string, session: string, days: number): OneTimeLink {
    if (countLinkCodes(tx.db, user_id, 'invite', this.#iso()) >= LIMITS.invites_max)
      throw new ErrandError('conflict', `${LIMITS.invites_max} invitations are open: revoke one first.`);
    return this.#create(tx, { kind: 'invite', user_id, session }, days * DAY_S);
  }

  invites(user_id: string): Invite[] {
    return listLinkCodes(this.#log.db, user_id, 'invite', this.#iso()).map(({ id, created_at, expires_at }) => ({
      id,
      created_at,
      expires_at,
    }));
  }

  /** Throws `not_found` if the user has no such invitation. */
  revokeInvite(tx: Tx, user_id: string, id: string): void {
    if (!deleteLinkCode(tx.db, user_id, 'invite', id))
      throw new ErrandError('not_found', 'There is no such invitation. It may have been used.');
  }

  /** The code's row. Throws `link_invalid`. */
  require(kind: LinkKind, code: string): LinkCodeRow {
    const find = (of: LinkKind) => findLinkCode(this.#log.db, of, hashOf(code), this.#iso());
    const row = find(kind);
    if (row) return row;
    // Whoever has a code alone cannot see what it is for.
    const other = (['invite', 'login'] as const).find((each) => find(each));
    throw other === undefined ? invalidLink() : new ErrandError('link_invalid', FOR_SOMETHING_ELSE[other]);
  }

  /** Uses a code up, in the caller's transaction. Throws `link_invalid`. */
  redeem(tx: Tx, kind: LinkKind, code: string): LinkCodeRow {
    const row = this.require(kind, code);
    deleteLinkCode(tx.db, row.user_id, kind, row.id);
    return row;
  }

  #create(tx: Tx, of: Pick<LinkCodeRow, 'kind' | 'user_id' | 'session'>, valid_s: number): OneTimeLink {
    const now = this.#iso();
    pruneLinkCodes(tx.db, now);
    const code = randomBytes(CODE_BYTES).toString('base64url');
    const id = newId();
    const expires_at = this.#iso(valid_s * 1000);
    insertLinkCode(tx.db, { id, ...of, hash: hashOf(code), created_at: now, expires_at });
    // The code is in the fragment, which no client sends and no proxy logs.
    const fragment = `${of.kind}=${code}`;
    const { public_url, networkUrl } = this.#addresses;
    const linkAt = (url: string | undefined) => (url === undefined ? null : `${url}/#${fragment}`);
    const link = linkAt(public_url);
    return { id, code, fragment, link, network_link: link === null ? linkAt(networkUrl()) : null, expires_at };
  }

  #iso(ahead_ms = 0): string {
    return new Date(this.#now() + ahead_ms).toISOString();
  }
}

export function invalidLink(): ErrandError {
  return new ErrandError(
    'link_invalid',
    'This server has no such code: it was mistyped or cut off, was used before, or has expired. Copy the whole link again, or ask for a new one.',
  );
}

const hashOf = (code: string): string => createHash('sha256').update(code).digest('hex');
