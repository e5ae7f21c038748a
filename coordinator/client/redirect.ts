import { Failure, Intercepted, Moved } from './errors.ts';

const REDIRECTS_MAX = 5;

/** A request that was answered with a redirect. */
type Redirect = {
  from: URL;
  status: number;
  location: string | null | undefined;
  method: string;
  /** The path of the request below the server's address, such as `/tasks`. */
  path: string;
  /** How many redirects came before this one. */
  before: number;
};

export function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

/**
 * Where to send a redirected request again, with the same method and body. A request carries a token or a password,
 * so that it only goes to the same host and port, and from http to https of the same host at the default ports or the
 * same one. Throws a `Failure` that names the target otherwise; `Moved` if a log-in there may help.
 */
export function redirected({ from, status, location, method, path, before }: Redirect): URL {
  const to = URL.parse(location ?? '', from.href);
  if (!location || !to)
    throw new Failure(`${from.origin} answered with ${status} but names no valid address to go to.`);
  const named = `${from.origin} redirects to ${to.origin === 'null' ? to.protocol : to.origin}${to.pathname}`;
  if (before >= REDIRECTS_MAX) throw new Failure(`${named}, after ${before} redirects before: they lead nowhere.`);
  if (status === 303 && method !== 'GET')
    throw new Failure(`${named} for the answer to a ${method}: it is not an Errand server, or a proxy answered.`);
  if (isTrusted(from, to)) return to;
  const isServer = /^https?:$/.test(to.protocol) && to.pathname.endsWith(path);
  if (!isServer) throw new Intercepted(`${named}: a proxy in front of the server may ask for a log-in of its own.`);
  throw new Moved(`${named}: your log-in is not sent there.`, serverOf(to, path));
}

/** The server's address, from that of a request. */
export function serverOf({ origin, pathname }: URL, path: string): string {
  return origin + (pathname.endsWith(path) ? pathname.slice(0, -path.length) : '');
}

function isTrusted(from: URL, to: URL): boolean {
  if (to.username !== '' || to.password !== '') return false;
  if (to.origin === from.origin) return true;
  const isUpgrade = from.protocol === 'http:' && to.protocol === 'https:' && from.hostname === to.hostname;
  // The URL parser drops a default port, so that 80 and 443 are the same text.
  return isUpgrade && from.port === to.port;
}
