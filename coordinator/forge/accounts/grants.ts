import type { Keys } from '../../base/keys.ts';
import type { Logger } from '../../base/logger.ts';
import { openGrant, type Grant } from '../../auth/linked-tokens.ts';
import type { Db } from '../../sqlite/database.ts';
import { findLinkedAccountOf, listLinkedAccounts, type LinkedAccountRow } from '../../sqlite/linked-accounts.ts';
import type { Calls } from '../calls.ts';
import type { Forges } from './forges.ts';
import { OAuth } from './oauth.ts';

type Dependencies = { db: Db; keys: Keys; forges: Forges; calls: Calls; logger: Logger; now: () => number };

/** Tells forges that what people allowed there is not needed any more, where they have a call for that. */
export class Grants {
  readonly #deps: Dependencies;

  constructor(dependencies: Dependencies) {
    this.#deps = dependencies;
  }

  /**
   * Keeps what the linked accounts of a person allow while `remove` unlinks them, then revokes what is unlinked. A
   * failed removal revokes nothing. Nobody waits for the forge: where it is away, the person can revoke it there.
   */
  async whileRemoving<T>(user_id: string, remove: () => T | Promise<T>): Promise<T> {
    const { db, keys } = this.#deps;
    const before = listLinkedAccounts(db, user_id).map((link) => ({ link, grant: openGrant(keys, link) }));
    const removed = await remove();
    const left = new Set(listLinkedAccounts(db, user_id).map(({ id }) => id));
    for (const { link, grant } of before) if (grant && !left.has(link.id)) void this.#revoke(link, grant);
    return removed;
  }

  async #revoke({ id, forge_id, issuer, subject }: LinkedAccountRow, grant: Grant): Promise<void> {
    const { db, forges, calls, now, logger } = this.#deps;
    const forge = forges.find(forge_id ?? '');
    if (forge?.client_id === undefined || forge.client_secret === undefined) return;
    const { driver, origin, client_id, client_secret } = forge;
    const oauth = new OAuth(driver, { origin, client_id, client_secret }, calls, now);
    try {
      // A forge revokes by a token that is valid.
      const is_valid = grant.expires_at === null || Date.parse(grant.expires_at) > now();
      const fresh = is_valid || grant.refresh_token === null ? grant : await oauth.refresh(grant.refresh_token);
      // The grant is one for all links of the account: it may be linked anew by now.
      if (fresh && !findLinkedAccountOf(db, issuer, subject)) await oauth.revoke(fresh.access_token);
    } catch (err) {
      logger.info({ err, link: id, forge: origin }, 'grant of an unlinked account not revoked');
    }
  }
}
