import type { LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { ErrandError } from '../../protocol/problem.ts';
import { within } from './deadline.ts';
import { askNameServers } from './name-servers.ts';
import { addressesOfInterfaces } from './own-addresses.ts';
import { askSystem } from './system-names.ts';
import { errorCode } from './error-code.ts';

const RESOLVE_MS = 10_000;

/**
 * Resolves a host name to all its addresses. An IP address resolves to itself. Rejects if there is none, and may give
 * up once the signal has aborted.
 */
export type Resolve = (hostname: string, signal: AbortSignal) => Promise<LookupAddress[]>;

/**
 * Why a host is refused: no such name, the lookup failed, or only the server's owner can allow it, since one of its
 * addresses is not public or this machine's own, or the port is no usual one.
 */
type AddressFault = 'unknown_name' | 'unresolved' | 'private_address';

/** A refused host. The code is `forbidden` for what the owner can allow, else `upstream_unreachable`. */
export class AddressError extends ErrandError {
  readonly fault: AddressFault;

  constructor(fault: AddressFault, message: string, cause?: unknown) {
    super(fault === 'private_address' ? 'forbidden' : 'upstream_unreachable', message, { cause });
    this.fault = fault;
  }
}

/**
 * Returns the addresses that a connection to this host and port may use. Connect only to these (`pinned`): a second
 * lookup could return others (DNS rebinding). Rejects with an `AddressError` if there is none, or if any of them is not
 * public.
 */
export type AddressGuard = (hostname: string, port: number) => Promise<LookupAddress[]>;

/** The addresses of this machine, as they are now. */
export type AskOwnAddresses = () => string[];

/**
 * Blocks requests to this machine, by its public addresses too, and to its private network (SSRF). `private_hosts`
 * lists the owner's exceptions, each `host` or `host:port`; those hosts may have any address and port. `ports`: those
 * that any other host may be reached at; absent: all. `resolve`: absent, the owner's exceptions are looked up as the
 * system does it, and all other names at the name servers alone.
 */
export function addressGuard(
  private_hosts: string[],
  resolve?: Resolve,
  {
    ports,
    ownAddresses = addressesOfInterfaces,
  }: { ports?: readonly number[]; ownAddresses?: AskOwnAddresses | undefined } = {},
): AddressGuard {
  return async (hostname, port) => {
    const name = bare(hostname);
    const listed = listsHost(private_hosts, name, port);
    const exception = `The server's owner can allow it with the setting ERRAND_PRIVATE_HOSTS=${hostAndPort(name, port)}.`;
    if (!listed && ports?.includes(port) === false)
      throw new AddressError(
        'private_address',
        `The port ${port} of ${name} may not be reached, only ${ports.join(' and ')}. ${exception}`,
      );
    const look_up = resolve ?? (listed ? askSystem : askNameServers);
    const addresses = await withTimeout((signal) => look_up(name, signal)).catch((cause: unknown) => {
      if (errorCode(cause) === 'ENOTFOUND')
        throw new AddressError('unknown_name', `There is no host with the name ${name}.`, cause);
      throw new AddressError('unresolved', `The name ${name} could not be resolved.`, cause);
    });
    if (addresses.length === 0) throw new AddressError('unresolved', `The name ${name} has no address.`);
    if (listed) return addresses;
    const own = new Set(ownAddresses());
    if (!addresses.every(({ address }) => isPublicAddress(address) && !own.has(embeddedIpv4(address) ?? address)))
      throw new AddressError('private_address', `${name} has a private address. ${exception}`);
    return addresses;
  };
}

/** Whether the owner's list contains this host, with this port or without any. */
export function listsHost(private_hosts: string[], hostname: string, port: number): boolean {
  return listsPort(private_hosts, hostname, port) || private_hosts.some((entry) => bare(entry) === bare(hostname));
}

/** Whether the owner's list contains exactly this `host:port`. */
export function listsPort(private_hosts: string[], hostname: string, port: number): boolean {
  return private_hosts.includes(hostAndPort(bare(hostname), port));
}

/** A lookup function for `net.connect` and `tls.connect` that returns these addresses for every name. */
export function pinned(addresses: LookupAddress[]): LookupFunction {
  return (_hostname, options, callback) => {
    const [first] = addresses;
    if (options.all || first === undefined) callback(null, addresses);
    else callback(null, first.address, first.family);
  };
}

/**
 * Whether an IP address is on the public internet: not private, loopback, link-local, shared, multicast, reserved or
 * translated (6to4). A NAT64 address is judged by its IPv4 address: DNS64 adds one to each name that has only IPv4.
 */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !NOT_PUBLIC.check(address, 'ipv4');
    case 6: {
      const embedded = embeddedIpv4(address);
      if (embedded !== undefined) return isPublicAddress(embedded);
      // All public addresses are in 2000::/3. An address with a zone (`%eth0`) is link-local.
      return !address.includes('%') && PUBLIC_IPV6.check(address, 'ipv6') && !NOT_PUBLIC.check(address, 'ipv6');
    }
    default:
      return false;
  }
}

/** The IPv4 address that the well-known prefix of NAT64 leads to; undefined for any other address. */
function embeddedIpv4(address: string): string | undefined {
  if (isIP(address) !== 6 || address.includes('%') || !NAT64.check(address, 'ipv6')) return undefined;
  // The URL parser writes each form of an IPv6 address in the same way: no zeros in front, no dots.
  const [high = 0, low = 0] = new URL(`http://[${address}]`).hostname
    .slice('[64:ff9b::'.length, -1)
    .split(':')
    .map((group) => Number.parseInt(group || '0', 16))
    .reduce<number[]>((groups, group) => [...groups, group].slice(-2), [0, 0]);
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** RFC 6052. The prefix 64:ff9b:1::/48 of RFC 8215 is for networks' own use, and stays refused. */
const NAT64 = new BlockList();
NAT64.addSubnet('64:ff9b::', 96, 'ipv6');

const PUBLIC_IPV6 = new BlockList();
PUBLIC_IPV6.addSubnet('2000::', 3, 'ipv6');

/**
 * From the IANA registries of special-purpose addresses. IPv4 addresses mapped to IPv6 are outside 2000::/3.
 */
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
/** Protocol assignments (including Teredo), documentation, 6to4. */
const IPV6_SUBNETS = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const;
for (const [network, prefix] of IPV4_SUBNETS) NOT_PUBLIC.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of IPV6_SUBNETS) NOT_PUBLIC.addSubnet(network, prefix, 'ipv6');

/** Limits what a name server may take. Some ways to ask one cannot be cancelled: what they find later is dropped. */
async function withTimeout<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = new AbortController();
  try {
    const answer = await within(RESOLVE_MS, work(late.signal));
    if (answer === undefined) throw new Error(`No answer within ${RESOLVE_MS} ms.`);
    return answer;
  } finally {
    late.abort();
  }
}

/** Removes the brackets that a URL's `hostname` has around an IPv6 address. */
function bare(hostname: string): string {
  return hostname.toLowerCase().replace(/^\[(.*)\]$/, '$1');
}

function hostAndPort(hostname: string, port: number): string {
  return isIP(hostname) === 6 ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
