import type { ExtendableContext, Next } from 'koa';

/** A browser that got this over TLS uses nothing but TLS for a year. */
const HSTS = 'max-age=31536000';

/**
 * Middleware that sets the security headers of every answer; the app's page replaces the policy by its own. `domain`: a
 * name that is the server's alone. HSTS holds for all ports and paths of a name, so on any other it is left to the
 * proxy.
 */
export function securityHeaders(domain: string | undefined) {
  return async (ctx: ExtendableContext, next: Next): Promise<void> => {
    ctx.set('X-Content-Type-Options', 'nosniff');
    ctx.set('Referrer-Policy', 'no-referrer');
    ctx.set(
      'Content-Security-Policy',
      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    if (domain !== undefined && ctx.secure) ctx.set('Strict-Transport-Security', HSTS);
    await next();
  };
}
