import { isIPv6 } from 'node:net';

/**
 * The network of one subscriber: an IPv4 address, or the /64 of an IPv6 address. Some proxies report an address with
 * its port, which differs for each connection.
 */
export function networkOf(address: string): string {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(address)?.[1] ?? /^(\d+(?:\.\d+){3}):\d+$/.exec(address)?.[1] ?? address;
  const plain = bare.split('%', 1)[0] ?? '';
  if (!isIPv6(plain)) return bare.slice(0, 64);
  const groups = groupsOf(plain);
  return mappedAddress(groups) ?? `${groups.slice(0, 4).join(':')}::/64`;
}

/** All eight groups of an IPv6 address, each in its shortest form. */
function groupsOf(address: string): string[] {
  // The URL parser writes an IPv6 address in its one canonical form.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const split = (part: string) => part.split(':').filter((group) => group !== '');
  if (tail === undefined) return split(head);
  const [before, after] = [split(head), split(tail)];
  return [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
}

/** The IPv4 address in `::ffff:0:0/96`; undefined: it is another network. */
function mappedAddress(groups: readonly string[]): string | undefined {
  const [high = '', low = ''] = groups.slice(6);
  if (groups.slice(0, 6).join(':') !== '0:0:0:0:0:ffff') return undefined;
  return [high, low]
    .map((group) => Number.parseInt(group, 16))
    .flatMap((bits) => [bits >> 8, bits & 0xff])
    .join('.');
}
