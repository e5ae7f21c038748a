import { jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { Id } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';

const ALGORITHM = 'HS256';
const TYPE = 'task+jwt';
const AUDIENCE = 'errand:task';
/** Tokens that are remembered; the oldest goes first. A forgotten one is checked again, no more. */
const REMEMBERED_MAX = 10_000;

/** Whom a token was made for. It says who calls; whether the attempt still may, its row says. */
export type TaskClaims = { task_id: string; attempt: number; issued_at_ms: number; expires_at_ms: number };

const Payload = z.object({ sub: Id, att: z.number().int().positive(), iat: z.number(), exp: z.number() });

/** Makes and checks the tokens of workers. `key` serves for nothing else; `issuer` names this server, and the history of its database; `now` is in milliseconds. */
export class TaskTokens {
  readonly #key: Uint8Array;
  readonly #issuer: string;
  readonly #now: () => number;
  readonly #remembered = new Map<string, TaskClaims>();

  constructor(key: Uint8Array, issuer: string, now: () => number = Date.now) {
    this.#key = key;
    this.#issuer = issuer;
    this.#now = now;
  }

  /** A token for one attempt of one task, good for `LIMITS.task_token_s`. */
  issue(task_id: string, attempt: number): Promise<string> {
    const issued_s = Math.floor(this.#now() / 1000);
    return new SignJWT({ att: attempt })
      .setProtectedHeader({ alg: ALGORITHM, typ: TYPE })
      .setIssuer(this.#issuer)
      .setAudience(AUDIENCE)
      .setSubject(task_id)
      .setIssuedAt(issued_s)
      .setExpirationTime(issued_s + LIMITS.task_token_s)
      .sign(this.#key);
  }

  /** Whom the token was made for. Rejects with `unauthenticated`; `grace_s`: for how long after its expiry it is taken nevertheless. */
  async verify(token: string, grace_s = 0): Promise<TaskClaims> {
    const claims = this.#remembered.get(token) ?? (await this.#check(token));
    if (this.#now() >= claims.expires_at_ms + grace_s * 1000)
      throw new ErrandError('unauthenticated', 'The task token has expired.');
    return claims;
  }

  /** Whether half the life of a token is over, and it is time for the next. */
  isHalfOver({ issued_at_ms, expires_at_ms }: TaskClaims): boolean {
    return this.#now() >= (issued_at_ms + expires_at_ms) / 2;
  }

  /** Drops what is remembered of an attempt that has ended. */
  forget(task_id: string, attempt: number): void {
    for (const [token, claims] of this.#remembered)
      if (claims.task_id === task_id && claims.attempt === attempt) this.#remembered.delete(token);
  }

  async #check(token: string): Promise<TaskClaims> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: [ALGORITHM],
        typ: TYPE,
        issuer: this.#issuer,
        audience: AUDIENCE,
        // The expiry is checked on each call, since the claims are remembered.
        clockTolerance: Number.MAX_SAFE_INTEGER,
      });
      const { sub, att, iat, exp } = Payload.parse(payload);
      const claims = { task_id: sub, attempt: att, issued_at_ms: iat * 1000, expires_at_ms: exp * 1000 };
      this.#remember(token, claims);
      return claims;
    } catch (error) {
      throw new ErrandError('unauthenticated', 'The task token is not valid.', { cause: error });
    }
  }

  #remember(token: string, claims: TaskClaims): void {
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size >= REMEMBERED_MAX && oldest !== undefined) this.#remembered.delete(oldest);
    this.#remembered.set(token, claims);
  }
}
