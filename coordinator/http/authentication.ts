import { createHash, timingSafeEqual } from 'node:crypto';
import type { ExtendableContext } from 'koa';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import type { Client, Identity } from '../auth/identity.ts';

/** An IPv6 address with a zone is no longer than this. A proxy may report anything. */
const ADDRESS_CHARS_MAX = 64;

/** Who sent the request. Rejects with `unauthenticated`. */
export async function requireUser(ctx: ExtendableContext, authenticator: Authenticator): Promise<Identity> {
  const bearer = bearerOf(ctx);
  if (bearer === undefined)
    throw new ErrandError('unauthenticated', 'An access token is needed: Authorization: Bearer <token>.');
  return authenticator.authenticate(bearer);
}

/** Throws `unauthenticated` if the request lacks the operator's token, and `not_found` if the server has none. */
export function requireOperator(ctx: ExtendableContext, token: string | undefined): void {
  if (token === undefined) throw new ErrandError('not_found', 'There is nothing at this address.');
  const digest = (text: string) => createHash('sha256').update(text).digest();
  if (!timingSafeEqual(digest(bearerOf(ctx) ?? ''), digest(token)))
    throw new ErrandError('unauthenticated', "The operator's token is needed: Authorization: Bearer <token>.");
}

/**
 * Where the request came from. Both texts are bounded. The client's name has no control characters, since terminals
 * show it.
 */
export function clientOf(ctx: ExtendableContext): Client {
  const name = ctx.get('User-Agent').replace(/\p{Cc}/gu, '');
  return {
    address: ctx.ip.slice(0, ADDRESS_CHARS_MAX),
    user_agent: name.slice(0, LIMITS.user_agent_chars_max) || null,
  };
}

function bearerOf(ctx: ExtendableContext): string | undefined {
  return /^Bearer +([\w.~+/=-]+) *$/i.exec(ctx.get('Authorization'))?.[1];
}
