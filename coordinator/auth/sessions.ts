import { createHash, randomBytes } from 'node:crypto';
import type { SessionInfo } from '../../protocol/accounts.ts';
import { newId } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { Keys } from '../base/keys.ts';
import { networkOf } from '../base/network-of.ts';
import { Rate } from '../base/rate.ts';
import { seal, unseal } from '../base/seal.ts';
import { appendAudit } from '../sqlite/audit.ts';
import { deleteApiTokens } from '../sqlite/api-tokens.ts';
import { deleteLoginCodesOf } from '../sqlite/link-codes.ts';
import type { EventLog, Tx } from '../sqlite/event-log.ts';
import {
  countFamily,
  deleteFamily,
  deleteOldFamilies,
  isFamilyValid,
  findProof,
  findRefreshToken,
  insertRefreshToken,
  listFamilies,
  listSessions,
  nameFamily,
  markRefreshTokenUsed,
  pruneRefreshTokens,
  type RefreshTokenRow,
} from '../sqlite/refresh-tokens.ts';
import type { Client, Identity } from './identity.ts';
import { isKnown, noteAddress } from './known-addresses.ts';

/** A log-in ends when nobody has refreshed it for this long. */
export const REFRESH_TOKEN_S = 60 * 24 * 3600;

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 3600_000;
/** In how many networks a person may use up the log-ins of a day. */
const NETWORKS_MAX = 5;

export type SessionListener = (session: string) => void;
type Rotated = { user_id: string; session: string; refresh_token: string };
/** What a family's tokens have in common. `began_at` and `name` are missing before the first. */
type Family = Pick<RefreshTokenRow, 'family' | 'user_id' | 'proven_at'> & { began_at?: string; name?: string | null };

/**
 * Log-ins, and the refresh tokens of each (its family). A token is exchanged once, and gives the same successor again
 * while nobody has used that: the answer was lost, however long ago. A use of the token after that of its successor
 * means that two parties have it, and ends the log-in.
 */
export class Sessions {
  readonly #log: EventLog;
  readonly #keys: Keys;
  readonly #now: () => number;
  /** By person, and by network where the account was used from it: who floods it elsewhere locks nobody out there. */
  readonly #begun: Rate;
  /** By person, in all networks together: a log-in makes each of its networks known. */
  readonly #begun_anywhere: Rate;
  readonly #listeners = new Set<SessionListener>();
  /** When each log-in last sent a request to this process, in milliseconds since the epoch. */
  readonly #seen_ms = new Map<string, number>();

  constructor(log: EventLog, keys: Keys, now: () => number) {
    this.#log = log;
    this.#keys = keys;
    this.#now = now;
    const refusal = 'You have logged in too often today.';
    this.#begun = new Rate(LIMITS.logins_per_day_max, refusal, now, DAY_MS);
    this.#begun_anywhere = new Rate(LIMITS.logins_per_day_max * NETWORKS_MAX, refusal, now, DAY_MS);
  }

  /**
   * Starts a log-in in the caller's transaction. A user's oldest ones end past `LIMITS.sessions_per_user_max`. `maker`:
   * the log-in that let this one in; this one is no fresher. Throws `rate_limited` for too many in a day.
   */
  begin(tx: Tx, user_id: string, client: Client, maker: string | null = null): Rotated {
    const is_known = isKnown(tx.db, user_id, client.address);
    this.#begun.take(is_known ? `${user_id} ${networkOf(client.address)}` : user_id);
    this.#begun_anywhere.take(user_id);
    const session = newId();
    // Before old ones end: the maker may be among them.
    const proven_at = maker === null ? null : (findProof(tx.db, maker) ?? NEVER);
    for (const old of new Set(deleteOldFamilies(tx.db, user_id, LIMITS.sessions_per_user_max - 1)))
      this.announceEnd(tx, old);
    return { user_id, session, refresh_token: this.#issue(tx, { family: session, user_id, proven_at }, client) };
  }

  /** Exchanges a refresh token. Throws `unauthenticated`, or `refresh_reused` if its successor was used. */
  refresh(token: string, client: Client): Rotated {
    // A log-in that ends here must stay ended, so the refusal is thrown outside of the transaction.
    const outcome = this.#log.write((tx) => this.#rotate(tx, token, client), { urgent: true });
    if (outcome instanceof ErrandError) throw outcome;
    return outcome;
  }

  /** A page of a user's log-ins, newest first, older than the log-in `before`. */
  list({ user_id, session }: Identity, before: string | undefined, limit: number): SessionInfo[] {
    const rows = listSessions(this.#log.db, { user_id, before, now: this.#iso(), limit });
    return rows.map((row) => ({ ...row, last_used_at: this.#lastUse(row), current: row.id === session }));
  }

  /** Notes that a log-in has sent a request. */
  saw({ session }: Pick<Identity, 'session'>): void {
    this.#seen_ms.set(session, this.#now());
  }

  /** Ends the log-in of a refresh token. An unknown token is ignored: there is nothing left to end. */
  end(token: string): void {
    this.#log.write(
      (tx) => {
        const row = findRefreshToken(tx.db, hashOf(token));
        if (row) this.#endFamily(tx, row, 'logged out');
      },
      { urgent: true },
    );
  }

  /** Names the device of a log-in; null takes the name away. Throws `not_found` if that user has no such log-in. */
  name(user_id: string, session: string, name: string | null): void {
    const is_there = this.#log.write((tx) => nameFamily(tx.db, { family: session, user_id, name, now: this.#iso() }));
    if (!is_there) throw noSuchLogIn();
  }

  /** Ends one log-in of a user. Throws `not_found` if that user has no such log-in. */
  endOne(user_id: string, session: string): void {
    this.#log.write(
      (tx) => {
        if (!isFamilyValid(tx.db, session, user_id, this.#iso())) throw noSuchLogIn();
        this.#endFamily(tx, { family: session, user_id }, 'revoked');
      },
      { urgent: true },
    );
  }

  /** Ends all log-ins, log-in links and API tokens of a user in the caller's transaction, except the log-in named. */
  endAll(tx: Tx, user_id: string, { except, why }: { except?: string; why: string }): void {
    for (const family of listFamilies(tx.db, user_id))
      if (family !== except) this.#endFamily(tx, { family, user_id }, why);
    deleteLoginCodesOf(tx.db, user_id);
    for (const token of deleteApiTokens(tx.db, user_id)) this.announceEnd(tx, token);
  }

  /** Whether the log-in has not ended. */
  lives({ session, user_id }: Pick<Identity, 'session' | 'user_id'>): boolean {
    return isFamilyValid(this.#log.db, session, user_id, this.#iso());
  }

  /** Whether the person proved who they are a short while ago: a link that lets another device in proves nothing. */
  isFresh({ session }: Pick<Identity, 'session'>): boolean {
    const proven_at = findProof(this.#log.db, session);
    return proven_at !== undefined && this.#now() - Date.parse(proven_at) <= LIMITS.fresh_login_s * 1000;
  }

  /** Calls `listener` with each log-in that ends, once that is on disk. Returns the function that unsubscribes it. */
  onEnded(listener: SessionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #rotate(tx: Tx, token: string, client: Client): Rotated | ErrandError {
    const now = this.#iso();
    pruneRefreshTokens(tx.db, now);
    const row = findRefreshToken(tx.db, hashOf(token));
    if (!row) return new ErrandError('unauthenticated', 'The refresh token is not valid here: log in.');
    if (row.used_at !== null) return this.#usedBefore(tx, row);
    if (countFamily(tx.db, row.family) >= LIMITS.refreshes_per_session_max) {
      this.#endFamily(tx, row, 'refreshed too many times');
      return new ErrandError('unauthenticated', 'This log-in was refreshed too many times: log in again.');
    }
    const refresh_token = this.#issue(tx, row, client);
    markRefreshTokenUsed(tx.db, row.hash, now, seal(this.#keys, refresh_token, successorOf(row)));
    return { user_id: row.user_id, session: row.family, refresh_token };
  }

  #usedBefore(tx: Tx, row: RefreshTokenRow): Rotated | ErrandError {
    const refresh_token = this.#successor(row);
    const successor = refresh_token === undefined ? undefined : findRefreshToken(tx.db, hashOf(refresh_token));
    if (refresh_token !== undefined && successor?.used_at === null)
      return { user_id: row.user_id, session: row.family, refresh_token };
    this.#endFamily(tx, row, 'a refresh token was used twice');
    return new ErrandError('refresh_reused', 'The refresh token was used before: log in again.');
  }

  /** The token that this one was exchanged for. Undefined: there is none, or it was encrypted with other keys. */
  #successor(row: RefreshTokenRow): string | undefined {
    if (row.successor === null) return undefined;
    try {
      return unseal(this.#keys, row.successor, successorOf(row));
    } catch {
      return undefined;
    }
  }

  #issue(tx: Tx, { family, user_id, began_at, proven_at, name = null }: Family, client: Client): string {
    const token = randomBytes(32).toString('base64url');
    const created_at = this.#iso();
    noteAddress(tx.db, user_id, client.address, created_at);
    insertRefreshToken(tx.db, {
      hash: hashOf(token),
      family,
      user_id,
      began_at: began_at ?? created_at,
      proven_at,
      user_agent: client.user_agent,
      address: client.address,
      name,
      created_at,
      expires_at: this.#iso(REFRESH_TOKEN_S * 1000),
    });
    return token;
  }

  #endFamily(tx: Tx, { family, user_id }: Pick<Family, 'family' | 'user_id'>, why: string): void {
    deleteFamily(tx.db, family);
    appendAudit(tx.db, { action: 'login.ended', user_id, subject: family, detail: { why } });
    this.announceEnd(tx, family);
  }

  /** Tells the listeners of a log-in, or an API token, that ends in this transaction. */
  announceEnd(tx: Tx, session: string): void {
    tx.afterCommit(() => {
      this.#seen_ms.delete(session);
      for (const listener of this.#listeners) listener(session);
    });
  }

  /** Of the requests within a minute after a refresh nothing is told. */
  #lastUse({ id, last_used_at }: Pick<SessionInfo, 'id' | 'last_used_at'>): string {
    const seen_ms = this.#seen_ms.get(id) ?? 0;
    return seen_ms - Date.parse(last_used_at) < MINUTE_MS ? last_used_at : new Date(seen_ms).toISOString();
  }

  #iso(ahead_ms = 0): string {
    return new Date(this.#now() + ahead_ms).toISOString();
  }
}

function noSuchLogIn(): ErrandError {
  return new ErrandError('not_found', 'There is no such log-in. It may have ended already.');
}

const NEVER = new Date(0).toISOString();
const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');
const successorOf = (row: RefreshTokenRow): string => `refresh:${row.hash}`;
