import { errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { Id } from '../../protocol/ids.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { Identity } from './identity.ts';

/** How long an access token is valid. A client learns it as `expires_in`, and refreshes before. */
export const ACCESS_TOKEN_S = 600;

const AUDIENCE = 'errand:user';
const TYPE = 'at+jwt';
const TOKEN_CHARS_MAX = 1000;
const Claims = z.object({ sub: Id, sid: Id, exp: z.number() });

/**
 * Signs and verifies access tokens of people: short-lived JWTs with the user and the log-in. `issuer` is the instance
 * id.
 */
export class AccessTokens {
  readonly #key: Uint8Array;
  readonly #issuer: string;
  readonly #now: () => number;

  constructor(key: Uint8Array, issuer: string, now: () => number) {
    this.#key = key;
    this.#issuer = issuer;
    this.#now = now;
  }

  sign(user_id: string, session: string): Promise<string> {
    const now_s = Math.floor(this.#now() / 1000);
    return new SignJWT({ sid: session })
      .setProtectedHeader({ alg: 'HS256', typ: TYPE })
      .setIssuer(this.#issuer)
      .setAudience(AUDIENCE)
      .setSubject(user_id)
      .setIssuedAt(now_s)
      .setExpirationTime(now_s + ACCESS_TOKEN_S)
      .sign(this.#key);
  }

  /**
   * Who the token was issued to. Rejects with `unauthenticated` if this server did not issue it for this use, or it
   * expired.
   */
  async verify(token: string): Promise<Identity> {
    if (token.length > TOKEN_CHARS_MAX) throw refused();
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: ['HS256'],
        typ: TYPE,
        issuer: this.#issuer,
        audience: AUDIENCE,
        currentDate: new Date(this.#now()),
      });
      const { sub, sid, exp } = Claims.parse(payload);
      return { user_id: sub, session: sid, expires_at_ms: exp * 1000 };
    } catch (error) {
      if (error instanceof errors.JWTExpired)
        throw new ErrandError('unauthenticated', 'The access token has expired: refresh it.', { cause: error });
      if (error instanceof errors.JOSEError || error instanceof z.ZodError) throw refused(error);
      throw error;
    }
  }
}

function refused(cause?: unknown): ErrandError {
  return new ErrandError('unauthenticated', 'The access token is not valid here.', { cause });
}
