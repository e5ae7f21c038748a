import { ErrandError } from '../../../protocol/problem.ts';
import type { Keys } from '../../base/keys.ts';
import type { Logger } from '../../base/logger.ts';
import { openGrant, sealGrant, type Grant } from '../../auth/linked-tokens.ts';
import { appendAudit } from '../../sqlite/audit.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import { findLinkedAccount, replaceTokens, type LinkedAccountRow } from '../../sqlite/linked-accounts.ts';
import type { Calls } from '../calls.ts';
import type { Forges } from './forges.ts';
import { OAuth } from './oauth.ts';

type Dependencies = { log: EventLog; keys: Keys; forges: Forges; calls: Calls; logger: Logger; now: () => number };

/** A token that expires within this time is renewed before use. */
const EXPIRES_SOON_MS = 5 * 60_000;

/** The access tokens of linked accounts, renewed before they expire. */
export class UserTokens {
  readonly #deps: Dependencies;
  /** Renewals in progress, by linked account: a refresh token works once. */
  readonly #renewing = new Map<string, Promise<string | undefined>>();

  constructor(dependencies: Dependencies) {
    this.#deps = dependencies;
  }

  /**
   * A token that is valid now; undefined: the forge accepts none any more, and the account must be linked again.
   * Rejects with `upstream_unreachable` if it has expired, and the forge does not answer or does not know the server.
   */
  async read(id: string): Promise<string | undefined> {
    const grant = this.#grantOf(id);
    if (!grant) return undefined;
    const { expires_at, access_token } = grant;
    const left_ms = expires_at === null ? Infinity : Date.parse(expires_at) - this.#deps.now();
    if (left_ms > EXPIRES_SOON_MS) return access_token;
    // As long as it is valid nothing is lost.
    return this.#renew(id).catch((error: unknown) => {
      if (left_ms <= 0) throw error;
      return access_token;
    });
  }

  /**
   * The forge has refused this token. Gives another one if it can be renewed; undefined: it cannot, and the link is
   * marked as broken.
   */
  async refused(id: string, token: string): Promise<string | undefined> {
    const grant = this.#grantOf(id);
    // A renewal came in between.
    if (grant?.access_token !== token) return grant?.access_token;
    return this.#renew(id);
  }

  #renew(id: string): Promise<string | undefined> {
    const running = this.#renewing.get(id);
    if (running) return running;
    const renewing = this.#exchange(id).finally(() => this.#renewing.delete(id));
    this.#renewing.set(id, renewing);
    return renewing;
  }

  async #exchange(id: string): Promise<string | undefined> {
    const { log, keys, forges, calls, now } = this.#deps;
    const row = findLinkedAccount(log.db, id);
    const refresh_token = row && openGrant(keys, row)?.refresh_token;
    const forge = forges.find(row?.forge_id ?? '');
    if (!row || !forge) return undefined;
    const { driver, origin, client_id, client_secret } = forge;
    if (typeof refresh_token !== 'string') return this.#break(row);
    // The owner may set it again: the link stays.
    if (client_id === undefined || client_secret === undefined)
      throw new ErrandError(
        'upstream_unreachable',
        `The server is not registered at ${forge.name} any more, so linked accounts there cannot be renewed: its owner can register it again.`,
      );
    const oauth = new OAuth(driver, { origin, client_id, client_secret }, calls, now);
    const grant = await oauth.refresh(refresh_token);
    return grant ? this.#store(row, grant) : this.#break(row);
  }

  /** The token of a sign-in that came in between is kept. */
  #store(row: LinkedAccountRow, grant: Grant): string | undefined {
    const { log, keys } = this.#deps;
    if (row.tokens === null) return undefined;
    const [old, sealed] = [row.tokens, sealGrant(keys, row.id, grant)];
    const stored = log.write(({ db }) => replaceTokens(db, row.id, old, sealed), { urgent: true });
    return stored ? grant.access_token : this.#grantOf(row.id)?.access_token;
  }

  #break(row: LinkedAccountRow): string | undefined {
    const { log, logger } = this.#deps;
    const { id, user_id, issuer, login, tokens } = row;
    if (tokens === null) return undefined;
    const broken = log.write(({ db }) => {
      if (!replaceTokens(db, id, tokens, { tokens: null, expires_at: null })) return false;
      appendAudit(db, { action: 'account.link_broken', user_id, subject: id, detail: { issuer, login } });
      return true;
    });
    if (!broken) return this.#grantOf(id)?.access_token;
    logger.warn({ link: id, issuer }, 'linked account is not accepted any more');
    return undefined;
  }

  #grantOf(id: string): Grant | undefined {
    const row = findLinkedAccount(this.#deps.log.db, id);
    return row && openGrant(this.#deps.keys, row);
  }
}
