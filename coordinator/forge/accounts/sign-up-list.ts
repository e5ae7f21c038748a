import { z } from 'zod';
import type { Config } from '../../base/config.ts';
import type { Calls } from './calls.ts';
import type { KnownForge } from './forges.ts';

const Membership = z.object({ state: z.string() });

/**
 * Whether the owner lets this person make an account by signing in with the forge: by their login, or as a member of an
 * organisation, which the list names as `org:name`. A name without a host is one at GitHub: the same name at another forge
 * may be somebody else. Rejects with `upstream_unreachable` if the forge does not say who is a member.
 */
export async function isListed(
  { signup_logins, github }: Pick<Config, 'signup_logins' | 'github'>,
  forge: KnownForge,
  { login, token }: { login: string; token: string },
  calls: Calls,
): Promise<boolean> {
  const entries = signup_logins.map(entryOf).filter(({ host }) => (host ?? new URL(github.origin).host) === forge.name);
  if (entries.some(({ kind, name }) => kind === 'user' && name === login.toLowerCase())) return true;
  for (const { kind, name } of entries)
    if (kind === 'org' && (await isMember(forge, name, { login, token }, calls))) return true;
  return false;
}

/** `name`, `user:name` or `org:name`, each perhaps with a host before the name. */
function entryOf(entry: string): { kind: string; host: string | undefined; name: string } {
  const [, kind = 'user', host, name = ''] = /^(?:(user|org):)?(?:(.*)\/)?(.*)$/.exec(entry) ?? [];
  return { kind, host, name };
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
