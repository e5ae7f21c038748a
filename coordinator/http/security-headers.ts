import type { ExtendableContext, Next } from 'koa';

/** A browser that has seen this over TLS comes without it no more. */
const HSTS = 'max-age=31536000';

/**
 * Middleware that sets what holds for each answer; the app's page replaces the policy by its own. `public_url`: the
 * address that people use. Its proxy may not say that a request came over TLS.
 */
export function securityHeaders(public_url: string | undefined) {
  const { protocol, host } = public_url === undefined ? { protocol: '', host: '' } : new URL(public_url);
  return async (ctx: ExtendableContext, next: Next): Promise<void> => {
    ctx.set('X-Content-Type-Options', 'nosniff');
    ctx.set('Referrer-Policy', 'no-referrer');
    ctx.set(
      'Content-Security-Policy',
      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    if (ctx.secure || (protocol === 'https:' && ctx.host === host)) ctx.set('Strict-Transport-Security', HSTS);
    await next();
  };
}
