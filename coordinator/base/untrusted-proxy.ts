import type { PublicHandlers } from './listen.ts';
import type { Logger } from './logger.ts';

/**
 * Warns once when a request or an upgrade names another client and the server does not trust it. Behind a proxy all
 * people count as one address then, and one person's wrong guesses slow down everybody's log-in.
 */
export function warnOfProxy(handlers: PublicHandlers, trust_proxy: boolean, logger: Logger): PublicHandlers {
  if (trust_proxy) return handlers;
  let warned = false;
  const look = ({ headers, socket }: Parameters<PublicHandlers['upgrade']>[0]): void => {
    if (warned || headers['x-forwarded-for'] === undefined) return;
    warned = true;
    logger.warn(
      { setting: 'ERRAND_TRUST_PROXY', from: socket.remoteAddress },
      'x-forwarded-for of a client or an untrusted proxy is ignored',
    );
  };
  return {
    request: (request, response) => {
      look(request);
      handlers.request(request, response);
    },
    upgrade: (request, ...rest) => {
      look(request);
      handlers.upgrade(request, ...rest);
    },
  };
}
