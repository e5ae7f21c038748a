import type { Agent, Dispatcher } from 'undici';

/** The proxy for requests that the server makes to the Internet. Each field is empty where there is none. */
export type OutgoingProxy = { https_proxy: string; http_proxy: string; no_proxy: string };

export const NO_PROXY: OutgoingProxy = { https_proxy: '', http_proxy: '', no_proxy: '' };

/** Whether some requests go through a proxy. */
export const hasProxy = ({ https_proxy, http_proxy }: OutgoingProxy): boolean =>
  https_proxy !== '' || http_proxy !== '';

/**
 * Sends requests through the proxy, except to this machine and to the hosts of `no_proxy`. It loads its library with
 * the first request, since an idle server does not need it.
 */
export class OutgoingAgent {
  readonly #proxy: OutgoingProxy;
  readonly #options: Agent.Options;
  #dispatcher: Promise<Dispatcher> | undefined;

  /** `options.connect` is for direct connections; a proxy resolves names itself. */
  constructor(proxy: OutgoingProxy, options: Agent.Options) {
    this.#proxy = proxy;
    this.#options = options;
  }

  async request(options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData> {
    const dispatcher = await (this.#dispatcher ??= this.#open());
    return dispatcher.request(options);
  }

  /** Closes all connections, and ends the requests in progress. */
  async destroy(): Promise<void> {
    await (await this.#dispatcher)?.destroy();
  }

  async #open(): Promise<Dispatcher> {
    const { EnvHttpProxyAgent } = await import('undici');
    return new EnvHttpProxyAgent({
      ...this.#options,
      // Empty texts, not undefined: that would have the library read the environment.
      httpsProxy: this.#proxy.https_proxy,
      httpProxy: this.#proxy.http_proxy,
      noProxy: [this.#proxy.no_proxy, 'localhost', '127.0.0.1', '::1'].filter(Boolean).join(','),
    });
  }
}
