import type { Middleware } from 'koa';
import type { Logger } from '../base/logger.ts';

/**
 * Warns once when a request names another client and the server does not trust it. Behind a proxy all people count
 * as one address then, and one person's wrong guesses slow down everybody's log-in.
 */
export function warnOfProxy(trust_proxy: boolean, logger: Logger): Middleware {
  let warned = trust_proxy;
  return (ctx, next) => {
    if (!warned && ctx.req.headers['x-forwarded-for'] !== undefined) {
      warned = true;
      logger.warn(
        { setting: 'ERRAND_TRUST_PROXY', from: ctx.req.socket.remoteAddress },
        'x-forwarded-for of a client or an untrusted proxy is ignored',
      );
    }
    return next();
  };
}
