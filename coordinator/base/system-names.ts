import { lookup } from 'node:dns/promises';
import type { LookupAddress } from 'node:dns';

const asked = new Map<string, Promise<LookupAddress[]>>();
let last: Promise<unknown> = Promise.resolve();

/**
 * Looks up a name that the server's owner chose, by all that the system knows, such as mDNS. One at a time, and each
 * name once however many ask: a look-up holds one of the few threads of the process until its name server answers.
 * Rejects as `dns.lookup` does.
 */
export function askSystem(hostname: string): Promise<LookupAddress[]> {
  const known = asked.get(hostname);
  if (known) return known;
  const found = last.then(() => lookup(hostname, { all: true })).finally(() => asked.delete(hostname));
  asked.set(hostname, found);
  last = found.catch(() => undefined);
  return found;
}
