import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { newId } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import {
  API_TOKEN_PREFIX,
  TokenScope,
  type TokenCreate,
  type TokenCreated,
  type TokenInfo,
} from '../../protocol/tokens.ts';
import {
  countApiTokens,
  deleteApiTokens,
  findApiToken,
  insertApiToken,
  isApiTokenValid,
  listApiTokens,
  pruneApiTokens,
  putApiTokenUse,
  type ApiTokenRow,
} from '../sqlite/api-tokens.ts';
import type { EventLog, Tx } from '../sqlite/event-log.ts';
import type { Identity } from './identity.ts';

const DAY_MS = 24 * 3600_000;
/** The time of the last use is stored at most this often, since each update costs a write. */
const USE_STORED_MS = 10 * 60_000;
const Scopes = z.array(TokenScope);

/** Tokens for scripts: each with what it may do, and until when. */
export class ApiTokens {
  readonly #log: EventLog;
  readonly #now: () => number;

  constructor(log: EventLog, now: () => number) {
    this.#log = log;
    this.#now = now;
  }

  /** Makes a token in the caller's transaction. Throws `conflict` if the account has too many. */
  create(tx: Tx, user_id: string, { name, scopes, expires_in_days }: TokenCreate): TokenCreated {
    const now = this.#iso();
    pruneApiTokens(tx.db, now);
    if (countApiTokens(tx.db, user_id, now) >= LIMITS.api_tokens_per_user_max)
      throw new ErrandError('conflict', `You have ${LIMITS.api_tokens_per_user_max} API tokens: revoke one first.`);
    const token = API_TOKEN_PREFIX + randomBytes(32).toString('base64url');
    const row = {
      id: newId(),
      user_id,
      hash: hashOf(token),
      name,
      scopes: JSON.stringify([...new Set(scopes)]),
      created_at: now,
      expires_at: new Date(Date.parse(now) + expires_in_days * DAY_MS).toISOString(),
    };
    insertApiToken(tx.db, row);
    return { ...infoOf({ ...row, last_used_at: null }), token };
  }

  /** A page of a user's tokens that have not expired, newest first, older than `before`. */
  list(user_id: string, before: string | undefined, limit: number): TokenInfo[] {
    return listApiTokens(this.#log.db, { user_id, before, now: this.#iso(), limit }).map(infoOf);
  }

  /** Deletes a token of a user, in the caller's transaction. Throws `not_found` if that user has no such token. */
  revoke(tx: Tx, user_id: string, id: string): void {
    if (deleteApiTokens(tx.db, user_id, id).length === 0)
      throw new ErrandError('not_found', 'There is no such API token. It may have been revoked already.');
  }

  /** Whose the token is, and what it may do. Throws `unauthenticated`. */
  verify(token: string): Identity {
    const row = findApiToken(this.#log.db, hashOf(token), this.#iso());
    if (!row) throw new ErrandError('unauthenticated', 'The API token is not valid: it expired, or was revoked.');
    if (row.last_used_at === null || this.#now() - Date.parse(row.last_used_at) > USE_STORED_MS)
      // A full disk must not keep a script from reading.
      this.#log.enqueue((tx) => putApiTokenUse(tx.db, row.id, this.#iso())).catch(() => undefined);
    const { id: session, user_id, expires_at } = row;
    return { user_id, session, expires_at_ms: Date.parse(expires_at), scopes: Scopes.parse(JSON.parse(row.scopes)) };
  }

  /** Whether the token of an identity has neither expired nor been revoked. */
  lives({ session, user_id }: Pick<Identity, 'session' | 'user_id'>): boolean {
    return isApiTokenValid(this.#log.db, session, user_id, this.#iso());
  }

  #iso(): string {
    return new Date(this.#now()).toISOString();
  }
}

function infoOf({ id, name, scopes, created_at, expires_at, last_used_at }: ApiTokenRow): TokenInfo {
  return { id, name, scopes: Scopes.parse(JSON.parse(scopes)), created_at, expires_at, last_used_at };
}

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');
