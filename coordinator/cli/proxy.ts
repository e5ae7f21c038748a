import { subscribe } from 'node:diagnostics_channel';
import http from 'node:http';
import https from 'node:https';
import { Failure } from '../client/errors.ts';

/** Where no proxy leads: this machine. */
const HERE = ['localhost', '127.0.0.1', '::1', '[::1]'];
/** How often in a row a proxy may close a connection in place of an answer. */
const CLOSES_MAX = 3;
/** Where Node keeps what sends the requests of `fetch` and of its WebSocket. */
const DISPATCHER = Symbol.for('undici.globalDispatcher.1');

/**
 * Sends the requests of this process through the proxy that its environment names, as the server does: except to this
 * machine and to the hosts of NO_PROXY. HTTP_PROXY alone is for HTTPS too. A Node older than 24.14 cannot. Throws a
 * `Failure` for an address that is none.
 */
export function useProxy(variable: (name: string) => string | undefined): void {
  const read = (name: string) => variable(name.toLowerCase()) || variable(name) || undefined;
  const http_proxy = read('HTTP_PROXY');
  const https_proxy = read('HTTPS_PROXY') ?? http_proxy;
  const direct = (read('NO_PROXY') ?? '').split(/[\s,]+/).filter(Boolean);
  // Node knows the `*` only where it stands alone.
  if (https_proxy === undefined || direct.includes('*') || !('setGlobalProxyFromEnv' in http)) return;
  const { setGlobalProxyFromEnv } = http;
  const no_proxy = [...direct, ...HERE].join(',');
  const begin = () => void setGlobalProxyFromEnv({ https_proxy, http_proxy, no_proxy });
  try {
    begin();
  } catch (cause) {
    // Not the address itself: it may have a password.
    throw new Failure('HTTPS_PROXY or HTTP_PROXY is not the address of a proxy, such as http://proxy.example:3128.', {
      cause,
    });
  }
  endLoops(begin);
}

/**
 * Node asks a proxy that closes the connection again at once, without end: even once the request has been given up, and
 * for as long as the process lives. So after some times all requests fail, and `begin` gives later ones a new start.
 */
function endLoops(begin: () => void): void {
  let closes = 0;
  subscribe('undici:request:headers', () => (closes = 0));
  subscribe('undici:client:connectError', (message) => {
    if (!isClosed(message) || ++closes < CLOSES_MAX) return;
    closes = 0;
    const dispatcher: unknown = Reflect.get(globalThis, DISPATCHER);
    begin();
    if (isDestroyable(dispatcher)) void dispatcher.destroy().catch(() => undefined);
  });
}

function isClosed(message: unknown): boolean {
  const error = message instanceof Object && 'error' in message ? message.error : undefined;
  return error instanceof Error && 'code' in error && error.code === 'UND_ERR_SOCKET';
}

function isDestroyable(value: unknown): value is { destroy: () => Promise<void> } {
  return value instanceof Object && 'destroy' in value && typeof value.destroy === 'function';
}

/** The agent that leads a connection over TLS through the proxy; undefined: no proxy is used. */
export function proxyAgent(): https.Agent | undefined {
  return https.globalAgent.options.proxyEnv === undefined ? undefined : https.globalAgent;
}
