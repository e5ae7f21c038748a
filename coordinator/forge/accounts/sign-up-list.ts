import { z } from 'zod';
import type { Config } from '../../base/config.ts';
import type { Calls } from './calls.ts';
import type { KnownForge } from './forges.ts';

const Membership = z.object({ state: z.string() });

/**
 * Whether the owner lets this person make an account by signing in with the forge: by their login, or as a member of an
 * organisation. A name without a host is one at GitHub: the same name at another forge may be somebody else.
 */
export async function isListed(
  { signup_logins, github }: Pick<Config, 'signup_logins' | 'github'>,
  forge: KnownForge,
  { login, token }: { login: string; token: string },
  calls: Calls,
): Promise<boolean> {
  const names = signup_logins.flatMap((entry) => {
    const [host, name] = entry.includes('/') ? entry.split('/') : [new URL(github.origin).host, entry];
    return host === forge.name && name !== undefined ? [name] : [];
  });
  if (names.includes(login.toLowerCase())) return true;
  for (const name of names) if (await isMember(forge, name, { login, token }, calls)) return true;
  return false;
}

async function isMember(
  { kind, origin }: KnownForge,
  organization: string,
  { login, token }: { login: string; token: string },
  calls: Calls,
): Promise<boolean> {
  const api = apiOf(kind, origin);
  if (kind === 'gitea') {
    const member = new URL(`${api}/orgs/${organization}/members/${encodeURIComponent(login)}`);
    return (await calls.api(z.unknown(), member, { token })) !== undefined;
  }
  const membership = await calls.api(Membership, new URL(`${api}/user/memberships/orgs/${organization}`), { token });
  return membership?.state === 'active';
}

/** Where a forge's API begins. */
export function apiOf(kind: KnownForge['kind'], origin: string): string {
  if (kind === 'gitea') return `${origin}/api/v1`;
  return origin === 'https://github.com' ? 'https://api.github.com' : `${origin}/api/v3`;
}
