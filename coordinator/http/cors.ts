import type { ExtendableContext, Next } from 'koa';
import { EPOCH_HEADER } from '../../protocol/api.ts';

/** How long a browser may remember the answer to its question, in seconds. */
const PREFLIGHT_S = 600;

/**
 * Middleware that lets the pages of `origins` use the API (CORS). Their requests carry a bearer token and no cookies,
 * so no other page gains anything. The browser asks before it sends them (preflight), without a token.
 */
export function allowOrigins(origins: readonly string[]) {
  const allowed = new Set(origins);
  return async (ctx: ExtendableContext, next: Next): Promise<void> => {
    if (allowed.size === 0) return next();
    ctx.vary('Origin');
    const origin = ctx.get('Origin');
    if (!allowed.has(origin.toLowerCase())) return next();
    ctx.set('Access-Control-Allow-Origin', origin);
    ctx.set('Access-Control-Expose-Headers', `ETag, Retry-After, X-Request-Id, ${EPOCH_HEADER}`);
    if (ctx.method !== 'OPTIONS' || ctx.get('Access-Control-Request-Method') === '') return next();
    ctx.set('Access-Control-Allow-Methods', 'GET, POST, PUT, PATCH, DELETE');
    ctx.set('Access-Control-Allow-Headers', 'Authorization, Content-Type, Idempotency-Key, If-None-Match');
    ctx.set('Access-Control-Max-Age', String(PREFLIGHT_S));
    ctx.status = 204;
  };
}
