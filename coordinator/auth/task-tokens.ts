import { jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { Id } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { KeyRing } from '../base/key-ring.ts';

const ALGORITHM = 'HS256';
const TYPE = 'task+jwt';
const AUDIENCE = 'errand:task';
/** How many verified tokens are cached; the oldest is evicted, and verified again when it comes. */
const CACHED_MAX = 10_000;

/** The attempt that a token was issued to. Whether that attempt may still call is decided by its row. */
export type TaskClaims = { task_id: string; attempt: number; issued_at_ms: number; expires_at_ms: number };

const Payload = z.object({ sub: Id, att: z.number().int().positive(), iat: z.number(), exp: z.number() });

/**
 * Issues and verifies tokens of workers. `keys` have no other use. `issuer` names this server and the history of its
 * database. `now` is in milliseconds.
 */
export class TaskTokens {
  readonly #keys: KeyRing;
  readonly #issuer: string;
  readonly #now: () => number;
  readonly #cached = new Map<string, TaskClaims>();

  constructor(keys: KeyRing, issuer: string, now: () => number = Date.now) {
    this.#keys = keys;
    this.#issuer = issuer;
    this.#now = now;
  }

  /** Issues a token for one attempt of one task, valid for `LIMITS.task_token_s`. */
  issue(task_id: string, attempt: number): Promise<string> {
    const issued_s = Math.floor(this.#now() / 1000);
    const { id: kid, key } = this.#keys.newest;
    return new SignJWT({ att: attempt })
      .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid })
      .setIssuer(this.#issuer)
      .setAudience(AUDIENCE)
      .setSubject(task_id)
      .setIssuedAt(issued_s)
      .setExpirationTime(issued_s + LIMITS.task_token_s)
      .sign(key);
  }

  /**
   * The attempt that the token was issued to. Rejects with `unauthenticated`, if it expired only after `grace_s`
   * more.
   */
  async verify(token: string, grace_s = 0): Promise<TaskClaims> {
    const claims = this.#cached.get(token) ?? (await this.#check(token));
    if (this.#now() >= claims.expires_at_ms + grace_s * 1000)
      throw new ErrandError('unauthenticated', 'The task token has expired.');
    return claims;
  }

  /** Whether half of the lifetime of a token is over: time to renew it. */
  isHalfOver({ issued_at_ms, expires_at_ms }: TaskClaims): boolean {
    return this.#now() >= (issued_at_ms + expires_at_ms) / 2;
  }

  /** Removes the tokens of an attempt that has ended from the cache. */
  forget(task_id: string, attempt: number): void {
    for (const [token, claims] of this.#cached)
      if (claims.task_id === task_id && claims.attempt === attempt) this.#cached.delete(token);
  }

  async #check(token: string): Promise<TaskClaims> {
    try {
      const { payload } = await jwtVerify(token, ({ kid }) => this.#keyOf(kid), {
        algorithms: [ALGORITHM],
        typ: TYPE,
        issuer: this.#issuer,
        audience: AUDIENCE,
        // The expiry is checked at each call, since the claims are cached.
        clockTolerance: Number.MAX_SAFE_INTEGER,
      });
      const { sub, att, iat, exp } = Payload.parse(payload);
      const claims = { task_id: sub, attempt: att, issued_at_ms: iat * 1000, expires_at_ms: exp * 1000 };
      this.#cache(token, claims);
      return claims;
    } catch (error) {
      throw new ErrandError('unauthenticated', 'The task token is not valid.', { cause: error });
    }
  }

  #keyOf(id: string | undefined): Uint8Array {
    const key = this.#keys.find(id, (LIMITS.task_token_s + LIMITS.task_token_grace_s) * 1000, this.#now());
    if (!key) throw new ErrandError('unauthenticated', 'The key of the task token has expired.');
    return key;
  }

  #cache(token: string, claims: TaskClaims): void {
    const [oldest] = this.#cached.keys();
    if (this.#cached.size >= CACHED_MAX && oldest !== undefined) this.#cached.delete(oldest);
    this.#cached.set(token, claims);
  }
}
