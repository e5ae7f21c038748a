import type { LookupAddress } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { errorCode } from './error-code.ts';

/*
 * Looks up names that strangers choose, without the system's resolver: `dns.lookup` holds one of the few threads of the
 * process until the name server answers, and no time limit frees it. Eight names whose server never answers would keep
 * every other look-up waiting.
 *
 * As in the system, /etc/hosts comes first, and then the name servers of /etc/resolv.conf with its `search`, `domain`
 * and `ndots`. It differs so:
 * - /etc/nsswitch.conf is not read: names that only mDNS (`.local`), NIS or another module knows are not found.
 * - The domain is not guessed from the host's own name, and LOCALDOMAIN and RES_OPTIONS are not read.
 * - IPv4 addresses come first. A connection tries the others too, so the order hardly matters.
 */

/** How long to wait for an answer before the next try, which waits twice as long, in milliseconds. */
const TRY_MS = 3_000;
const TRIES = 2;
/** As many as the system's resolver uses. */
const SEARCH_MAX = 6;
const NDOTS_MAX = 15;

/** Where names are looked up. `servers`: `address:port`, in place of those of the file. Tests have their own. */
export type NameSources = { hosts_path: string; resolv_path: string; servers?: string[] };
const SYSTEM: NameSources = { hosts_path: '/etc/hosts', resolv_path: '/etc/resolv.conf' };

/**
 * The addresses of a host name, or of an IP address itself. Rejects with the code `ENOTFOUND` if there are none, with
 * `ECANCELLED` once the signal has aborted, and with another code if no name server gave an answer.
 */
export async function askNameServers(
  hostname: string,
  signal: AbortSignal,
  { hosts_path, resolv_path, servers }: NameSources = SYSTEM,
): Promise<LookupAddress[]> {
  const family = isIP(hostname);
  if (family !== 0) return [{ address: hostname, family }];
  const [hosts, resolv] = await Promise.all([readText(hosts_path), readText(resolv_path)]);
  const own = findInHosts(hosts, hostname.replace(/\.$/, ''));
  if (own.length > 0) return own;
  const resolver = new Resolver({ timeout: TRY_MS, tries: TRIES });
  if (servers) resolver.setServers(servers);
  const cancel = (): void => resolver.cancel();
  signal.addEventListener('abort', cancel);
  try {
    for (const name of namesToAsk(hostname, resolv)) {
      if (signal.aborted) throw Object.assign(new Error('The look-up was cancelled.'), { code: 'ECANCELLED' });
      const found = await ask(resolver, name);
      if (found.length > 0) return found;
    }
  } finally {
    signal.removeEventListener('abort', cancel);
    cancel();
  }
  throw Object.assign(new Error(`No name server knows ${hostname}.`), { code: 'ENOTFOUND' });
}

/** The addresses of a full name; none: it does not exist. Rejects if a name server gave no answer. */
async function ask(resolver: Resolver, name: string): Promise<LookupAddress[]> {
  const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (found.length > 0) return found.map((address) => ({ address, family: isIP(address) }));
  for (const answer of answers)
    if (answer.status === 'rejected' && !isNotFound(answer.reason)) throw answer.reason as unknown;
  return [];
}

function isNotFound(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'ENOTFOUND' || code === 'ENODATA' || code === 'EBADNAME';
}

/** The addresses that a text in the form of /etc/hosts gives a name. */
export function findInHosts(hosts: string, name: string): LookupAddress[] {
  // Each line has an address, and then its names. The file may be long: it is searched, not taken apart.
  const line = new RegExp(String.raw`^[ \t]*([^\s#]+)(?:[ \t][^#\n]*)?[ \t]${RegExp.escape(name)}(?=[\s#]|$)`, 'gim');
  return [...hosts.matchAll(line)].flatMap(([, address = '']) => {
    const family = isIP(address);
    return family === 0 ? [] : [{ address, family }];
  });
}

/** The full names to ask for in turn, by the rules of a text in the form of /etc/resolv.conf. */
export function namesToAsk(hostname: string, resolv: string): string[] {
  if (hostname.endsWith('.')) return [hostname.slice(0, -1)];
  // The last of these lines counts.
  const [domains = ''] = [...resolv.matchAll(/^[ \t]*(?:search|domain)[ \t]+(.+)$/gm)]
    .map(([, list]) => list)
    .slice(-1);
  const [dots = '1'] = [...resolv.matchAll(/^[ \t]*options[ \t].*?\bndots:(\d+)/gm)].map(([, n]) => n).slice(-1);
  const searched = domains
    .split(/\s+/)
    .map((domain) => domain.replace(/^\.|\.$/g, ''))
    .filter((domain) => domain !== '')
    .slice(0, SEARCH_MAX)
    .map((domain) => `${hostname}.${domain}`);
  const is_full = hostname.split('.').length - 1 >= Math.min(Number(dots), NDOTS_MAX);
  return is_full ? [hostname, ...searched] : [...searched, hostname];
}

/** A file that is not there says nothing. */
function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
