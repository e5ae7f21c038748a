import { isIPv6 } from 'node:net';

/** The network of one subscriber: an IPv4 address, or the /64 of an IPv6 address. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const plain = address.split('%', 1)[0] ?? '';
  if (!isIPv6(plain)) return address.slice(0, 64);
  // The URL parser writes an IPv6 address in its one canonical form.
  const groups = new URL(`http://[${plain}]`).hostname.slice(1, -1).split('::');
  const head = (groups[0] ?? '').split(':').filter((group) => group !== '');
  const tail = (groups[1] ?? '').split(':').filter((group) => group !== '');
  const full = groups.length === 1 ? head : [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail];
  return `${full.slice(0, 4).join(':')}::/64`;
}
