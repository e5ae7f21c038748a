import http from 'node:http';
import https from 'node:https';
import { Failure } from '../client/errors.ts';

/** Where no proxy leads: this machine. */
const HERE = ['localhost', '127.0.0.1', '::1', '[::1]'];

/**
 * Sends the requests of this process through the proxy that its environment names, as the server does: except to this
 * machine and to the hosts of NO_PROXY. A Node older than 24.14 cannot. Throws a `Failure` for an address that is none.
 */
export function useProxy(variable: (name: string) => string | undefined): void {
  const read = (name: string) => variable(name.toLowerCase()) || variable(name) || undefined;
  const [https_proxy, http_proxy] = [read('HTTPS_PROXY'), read('HTTP_PROXY')];
  if ((https_proxy === undefined && http_proxy === undefined) || !('setGlobalProxyFromEnv' in http)) return;
  const no_proxy = [read('NO_PROXY'), ...HERE].filter(Boolean).join(',');
  try {
    http.setGlobalProxyFromEnv({ https_proxy, http_proxy, no_proxy });
  } catch (cause) {
    // Not the address itself: it may have a password.
    throw new Failure('HTTPS_PROXY or HTTP_PROXY is not the address of a proxy, such as http://proxy.example:3128.', {
      cause,
    });
  }
}

/** The agent that leads a connection over TLS through the proxy; undefined: no proxy is used. */
export function proxyAgent(): https.Agent | undefined {
  return https.globalAgent.options.proxyEnv === undefined ? undefined : https.globalAgent;
}
