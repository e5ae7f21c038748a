import { EnvHttpProxyAgent, type Agent, type Dispatcher } from 'undici';

/** The proxy for requests that the server makes to the Internet. Each field is empty where there is none. */
export type OutgoingProxy = { https_proxy: string; http_proxy: string; no_proxy: string };

export const NO_PROXY: OutgoingProxy = { https_proxy: '', http_proxy: '', no_proxy: '' };

/** Whether some requests go through a proxy. */
export const hasProxy = ({ https_proxy, http_proxy }: OutgoingProxy): boolean =>
  https_proxy !== '' || http_proxy !== '';

/**
 * A dispatcher that sends requests through the proxy, except to this machine and to the hosts of `no_proxy`.
 * `options.connect` is for direct connections; a proxy resolves names itself.
 */
export function outgoingAgent(proxy: OutgoingProxy, options: Agent.Options): Dispatcher {
  return new EnvHttpProxyAgent({
    ...options,
    // Empty texts, not undefined: that would have the library read the environment.
    httpsProxy: proxy.https_proxy,
    httpProxy: proxy.http_proxy,
    noProxy: [proxy.no_proxy, 'localhost', '127.0.0.1', '::1'].filter(Boolean).join(','),
  });
}
