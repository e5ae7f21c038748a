import { ErrandError } from '../../../protocol/problem.ts';
import { listsPort } from '../../base/address-guard.ts';
import { allowsHost, mayAskFor, whyLeftOut, type EgressPolicy } from '../../domain/egress-policy.ts';

/** The destination of a tunnel. `tls`: the connection must begin with a TLS handshake that names this host. */
export type Destination = { host: string; port: number; tls: boolean };

/** The ports that a project with open egress may reach. */
const OPEN_PORTS = [443, 80];

/**
 * Returns the destination of a CONNECT request where the policy allows it. A host and port that the server's owner
 * listed in ERRAND_PRIVATE_HOSTS may have any port, be an IP address and use any protocol; the project's policy must
 * still allow the host. Throws `invalid` where `authority` is not `host:port`, and `forbidden` where the policy does
 * not allow it.
 */
export function allowDestination(authority: string, policy: EgressPolicy, private_hosts: string[]): Destination {
  const { host, port } = readAuthority(authority);
  if (policy.egress === 'none') throw new ErrandError('forbidden', "This project's tasks may reach no other host.");
  if (!allowsHost(policy, host)) throw new ErrandError('forbidden', notListed(host));
  if (listsPort(private_hosts, host, port)) return { host, port, tls: false };
  if (isAddress(host)) throw new ErrandError('forbidden', `${host} is an IP address; only host names are allowed.`);
  const ports = policy.egress === 'open' ? OPEN_PORTS : [443];
  if (!ports.includes(port))
    throw new ErrandError('forbidden', `The port ${port} is not allowed, only ${ports.join(' and ')}.`);
  // One address may serve many hosts (a CDN), and port 443 any protocol: only the TLS handshake shows which host is
  // really asked for.
  return { host, port, tls: policy.egress !== 'open' };
}

/**
 * The host of a refused CONNECT request that the person may allow; null: it is not the policy's list that refused it,
 * or the server's owner listed it as private.
 */
export function hostToAskFor(authority: string, policy: EgressPolicy, private_hosts: string[]): string | null {
  const { host, port } = readAuthority(authority);
  const may = port === 443 && !allowsHost(policy, host) && !listsPort(private_hosts, host, port);
  return may && mayAskFor(policy, host) ? host : null;
}

function notListed(host: string): string {
  const text = `${host} is not on the list of hosts that this project's tasks may reach.`;
  const why = whyLeftOut(host);
  return why === null ? text : `${text} ${why}`;
}

function readAuthority(authority: string): { host: string; port: number } {
  const [, name, digits] = /^([a-z0-9.-]{1,254}):(\d{1,5})$/.exec(authority.toLowerCase()) ?? [];
  const host = name?.replace(/\.$/, '') ?? '';
  const port = Number(digits);
  // An empty label: parsers disagree about whether an address is left.
  if (host.split('.').includes('') || !(port >= 1 && port <= 65_535))
    throw new ErrandError('invalid', 'CONNECT needs a host name and a port.');
  return { host, port };
}

/**
 * Whether a URL parser would read this as an IPv4 address in any notation: its last part is a decimal or hexadecimal
 * number.
 */
function isAddress(host: string): boolean {
  return /(^|\.)(\d+|0x[0-9a-f]*)$/.test(host);
}
