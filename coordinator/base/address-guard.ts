import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { ErrandError } from '../../protocol/problem.ts';

const RESOLVE_MS = 10_000;

/** All addresses of a host name; an IP address is its own answer. Rejects where there are none. */
export type Resolve = (hostname: string) => Promise<LookupAddress[]>;

/** Why a host may not be connected to: no such name; the name could not be resolved now; or one of its addresses is private. */
type AddressFault = 'unknown_name' | 'unresolved' | 'private_address';

/** A host that may not be connected to. The code is `forbidden` for a private address, else `upstream_unreachable`. */
export class AddressError extends ErrandError {
  readonly fault: AddressFault;

  constructor(fault: AddressFault, message: string, cause?: unknown) {
    super(fault === 'private_address' ? 'forbidden' : 'upstream_unreachable', message, { cause });
    this.fault = fault;
  }
}

/**
 * The addresses that a connection to this host and port may be made to. Connect to them and to nothing else (`pinned`): a second look-up could give
 * another answer. Rejects with an `AddressError` if there is none, or if any of them is not public.
 */
export type AddressGuard = (hostname: string, port: number) => Promise<LookupAddress[]>;

/**
 * Guards against requests that are meant for this machine or its network. `private_hosts` is the server owner's list of exceptions, `host` or
 * `host:port`; such a host may have any address.
 */
export function addressGuard(private_hosts: string[], resolve: Resolve = resolveBySystem): AddressGuard {
  return async (hostname, port) => {
    const name = bare(hostname);
    const addresses = await inTime(resolve(name)).catch((cause: unknown) => {
      if (codeOf(cause) === 'ENOTFOUND')
        throw new AddressError('unknown_name', `There is no host with the name ${name}.`, cause);
      throw new AddressError('unresolved', `The name ${name} could not be resolved.`, cause);
    });
    if (addresses.length === 0) throw new AddressError('unresolved', `The name ${name} has no address.`);
    if (!listsHost(private_hosts, name, port) && !addresses.every(({ address }) => isPublicAddress(address)))
      throw new AddressError(
        'private_address',
        `${name} has a private address. The server's owner can allow it with the setting ERRAND_PRIVATE_HOSTS=${hostAndPort(name, port)}.`,
      );
    return addresses;
  };
}

/** Whether the owner's list names this host, alone or with this port. */
export function listsHost(private_hosts: string[], hostname: string, port: number): boolean {
  return listsPort(private_hosts, hostname, port) || private_hosts.some((entry) => bare(entry) === bare(hostname));
}

/** Whether the owner's list names this host with this very port. */
export function listsPort(private_hosts: string[], hostname: string, port: number): boolean {
  return private_hosts.includes(hostAndPort(bare(hostname), port));
}

/** A lookup for `net.connect` and `tls.connect` that answers with these addresses, whatever the name. */
export function pinned(addresses: LookupAddress[]): LookupFunction {
  return (_hostname, options, callback) => {
    const [first] = addresses;
    if (options.all || first === undefined) callback(null, addresses);
    else callback(null, first.address, first.family);
  };
}

/** Whether an IP address is one of the public internet: not private, loopback, link-local, shared, multicast, reserved or a translated one. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !NOT_PUBLIC.check(address, 'ipv4');
    case 6:
      // All that was ever given out to the public is in 2000::/3. An address with a zone (`%eth0`) is a link-local one.
      return !address.includes('%') && PUBLIC_IPV6.check(address, 'ipv6') && !NOT_PUBLIC.check(address, 'ipv6');
    default:
      return false;
  }
}

const PUBLIC_IPV6 = new BlockList();
PUBLIC_IPV6.addSubnet('2000::', 3, 'ipv6');

/** From the IANA registries of special-purpose addresses. IPv4 addresses inside IPv6 ones (mapped, NAT64) lie outside 2000::/3. */
const NOT_PUBLIC = new BlockList();
const IPV4_SUBNETS = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const;
/** Protocol assignments with Teredo, documentation, 6to4. */
const IPV6_SUBNETS = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const;
for (const [network, prefix] of IPV4_SUBNETS) NOT_PUBLIC.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of IPV6_SUBNETS) NOT_PUBLIC.addSubnet(network, prefix, 'ipv6');

/** The system gives a name up after its own time, which may be minutes. */
async function inTime<T>(work: Promise<T>): Promise<T> {
  const done = new AbortController();
  const late = setTimeout(RESOLVE_MS, undefined, { signal: done.signal }).then(() => {
    throw new Error(`No answer within ${RESOLVE_MS} ms.`);
  });
  return Promise.race([work, late]).finally(() => done.abort());
}

function resolveBySystem(hostname: string): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    systemLookup(hostname, { all: true }, (error, addresses) => (error ? reject(error) : resolve(addresses)));
  });
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** A URL's `hostname` has brackets around an IPv6 address. */
function bare(hostname: string): string {
  return hostname.toLowerCase().replace(/^\[(.*)\]$/, '$1');
}

function hostAndPort(hostname: string, port: number): string {
  return isIP(hostname) === 6 ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
