import { ErrandError } from '../../../protocol/problem.ts';
import type { Config } from '../../base/config.ts';
import { DEFAULT_FORGE } from '../../base/forge-settings.ts';
import type { Logger } from '../../base/logger.ts';
import type { Calls } from '../calls.ts';
import { ForgeApiError } from '../forge-api-error.ts';
import type { Member } from '../forge-driver.ts';
import type { KnownForge } from './forges.ts';

type Dependencies = { calls: Calls; logger: Logger };

/**
 * Whether the owner lets this person make an account by signing in with the forge: by their login, or as a member of an
 * organisation, which the list names as `org:name`. A name without a host is one at the default forge: the same name at
 * another one may be somebody else. Rejects with `upstream_unreachable` if the forge cannot say now who is a member.
 */
export async function isListed(
  { signup_logins, [DEFAULT_FORGE]: { origin } }: Pick<Config, 'signup_logins' | typeof DEFAULT_FORGE>,
  forge: KnownForge,
  person: Member,
  dependencies: Dependencies,
): Promise<boolean> {
  const entries = signup_logins.map(entryOf).filter(({ host }) => (host ?? new URL(origin).host) === forge.name);
  if (entries.some(({ kind, name }) => kind === 'user' && name === person.login.toLowerCase())) return true;
  for (const { kind, name } of entries)
    if (kind === 'org' && (await isMember(forge, name, person, dependencies))) return true;
  return false;
}

/** `name`, `user:name` or `org:name`, each perhaps with a host before the name. */
function entryOf(entry: string): { kind: string; host: string | undefined; name: string } {
  const [, kind = 'user', host, name = ''] = /^(?:(user|org):)?(?:(.*)\/)?(.*)$/.exec(entry) ?? [];
  return { kind, host, name };
}

/** A forge that refuses to say it lets nobody in: the owner finds the reason in the log. */
async function isMember(
  { driver, origin }: KnownForge,
  organization: string,
  person: Member,
  { calls, logger }: Dependencies,
): Promise<boolean> {
  try {
    return await driver.isMember(calls, origin, organization, person);
  } catch (err) {
    if (!(err instanceof ForgeApiError)) throw err;
    if (err.fault === 'unreachable' || err.fault === 'rate_limited')
      throw new ErrandError('upstream_unreachable', err.message, { cause: err });
    logger.warn({ err, forge: origin, organization }, 'membership not read');
    return false;
  }
}
