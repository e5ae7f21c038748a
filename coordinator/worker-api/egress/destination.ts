import { ErrandError } from '../../../protocol/problem.ts';
import { listsPort } from '../../base/address-guard.ts';
import { allowsHost, type EgressPolicy } from '../../domain/egress-policy.ts';

/** Where a tunnel goes. `tls`: it must begin with a TLS handshake that names this very host. */
export type Destination = { host: string; port: number; tls: boolean };

const OPEN_PORTS = [443, 80];

/**
 * Where a CONNECT leads, if the policy lets it. A host and port that the server's owner lists among the private hosts is the owner's word: there any port,
 * an IP address and plain bytes will do, but a project's list must name the host all the same. Throws `invalid` or `forbidden`.
 */
export function admit(authority: string, policy: EgressPolicy, private_hosts: string[]): Destination {
  const { host, port } = readAuthority(authority);
  if (policy.egress === 'none') throw new ErrandError('forbidden', "This project's tasks reach no other host.");
  if (!allowsHost(policy, host))
    throw new ErrandError('forbidden', `${host} is not on the list of hosts that this project's tasks may reach.`);
  if (listsPort(private_hosts, host, port)) return { host, port, tls: false };
  if (isAddress(host)) throw new ErrandError('forbidden', `${host} is an address; only names are let through.`);
  const ports = policy.egress === 'open' ? OPEN_PORTS : [443];
  if (!ports.includes(port))
    throw new ErrandError('forbidden', `The port ${port} is not let through, only ${ports.join(' and ')}.`);
  // Behind one address there may be many hosts (a CDN), and behind port 443 anything at all: a list holds only if the handshake is read.
  return { host, port, tls: policy.egress !== 'open' };
}

function readAuthority(authority: string): { host: string; port: number } {
  const [, name, digits] = /^([a-z0-9.-]{1,254}):(\d{1,5})$/.exec(authority.toLowerCase()) ?? [];
  const host = name?.replace(/\.$/, '') ?? '';
  const port = Number(digits);
  if (host === '' || !(port >= 1 && port <= 65_535))
    throw new ErrandError('invalid', 'CONNECT wants a host name and a port.');
  return { host, port };
}

/** Whether a URL would take this for an IPv4 address, in any of its spellings: its last part is a number, decimal or hexadecimal. */
function isAddress(host: string): boolean {
  return /(^|\.)(\d+|0x[0-9a-f]*)$/.test(host);
}
