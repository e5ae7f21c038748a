import type { IncomingMessage } from 'node:http';
import { isIP, isIPv6 } from 'node:net';
import { ErrandError } from '../../protocol/problem.ts';
import { isLoopback } from './config.ts';

/** A name or an IP address, with or without a port. */
const HOST = /^([a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(:\d{1,5})?$/;

/**
 * Refuses what a browser sends for somebody else's page. A page that had its own name resolved to this machine (DNS
 * rebinding) is found by the Host header, any other page by the Origin header. Programs send no Origin.
 *
 * The server answers to `localhost` and the names below it, to loopback addresses, to the address on which the
 * connection came in, and to `hosts`, each of them `name` or `name:port`. A page may come from what the request's Host
 * names, or from one of `hosts`, in case a proxy has changed the Host, or it has one of `origins`, each of them
 * `scheme://host` or `scheme://host:port`.
 */
export class BrowserGuard {
  readonly #names: Set<string>;
  readonly #hosts: Set<string>;
  readonly #origins: Set<string>;

  constructor(hosts: readonly string[], origins: readonly string[] = []) {
    this.#names = new Set(hosts.map(nameOf));
    this.#hosts = new Set(hosts);
    this.#origins = new Set(origins);
  }

  /** Throws `forbidden` for a request that only a page of somebody else can cause. */
  check({ headers: { host, origin }, socket: { localAddress } }: Pick<IncomingMessage, 'headers' | 'socket'>): void {
    // Only HTTP/1.0 may leave the header out, which no browser speaks.
    if (host !== undefined && !this.#isOwn(host.toLowerCase(), localAddress))
      throw new ErrandError(
        'forbidden',
        `This server does not answer to the host '${host.slice(0, 100)}'. Its owner can add it: ERRAND_PUBLIC_URL or ERRAND_HOSTS.`,
      );
    if (origin !== undefined && !this.#isFrom(origin, host?.toLowerCase()))
      throw new ErrandError(
        'forbidden',
        `This server takes no requests from the pages of '${origin.slice(0, 100)}'. Its owner can allow them: ERRAND_PUBLIC_URL or ERRAND_HOSTS, or ERRAND_CORS_ORIGINS for an app of another server.`,
      );
  }

  #isOwn(host: string, local_address: string | undefined): boolean {
    if (!HOST.test(host)) return false;
    const name = nameOf(host);
    // No DNS has names below localhost: nobody else's page can have one.
    if (isLoopback(name) || name.endsWith('.localhost') || this.#names.has(name)) return true;
    return isIP(name) !== 0 && local_address !== undefined && name === plainAddress(local_address);
  }

  #isFrom(origin: string, host: string | undefined): boolean {
    if (this.#origins.has(origin.toLowerCase())) return true;
    const url = URL.parse(origin);
    if (url?.protocol !== 'http:' && url?.protocol !== 'https:') return false;
    // The URL parser leaves out the port that is the scheme's own, on both sides.
    return (
      this.#hosts.has(url.host) || (host !== undefined && url.host === URL.parse(`${url.protocol}//${host}`)?.host)
    );
  }
}

/** The name or address in `name:port`, an IPv6 address without brackets and in its shortest form. */
function nameOf(host: string): string {
  const name = host.replace(/:\d+$/, '');
  return name.startsWith('[') ? plainAddress(name.slice(1, -1)) : name;
}

/** An address without its zone, an IPv4 address as such, an IPv6 address in its shortest form. */
function plainAddress(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  return isIPv6(plain) ? (URL.parse(`http://[${plain}]`)?.hostname.slice(1, -1) ?? plain) : plain;
}
