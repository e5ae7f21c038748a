import { z } from 'zod';
import { ErrandError } from '../../../protocol/problem.ts';
import type { Config } from '../../base/config.ts';
import type { DEFAULT_FORGE } from '../../base/forge-settings.ts';
import type { Logger } from '../../base/logger.ts';
import type { External } from '../../auth/external-logins.ts';
import type { Grant } from '../../auth/linked-tokens.ts';
import type { Calls } from '../calls.ts';
import { codeOf } from './flows.ts';
import type { Forges, KnownForge } from './forges.ts';
import { IdentityProvider, OIDC_WAY } from './identity-provider.ts';
import { OAuth } from './oauth.ts';
import type { DevicePoll, Way } from './way.ts';
import { isListed } from './sign-up-list.ts';

type Dependencies = {
  forges: Forges;
  calls: Calls;
  config: Pick<Config, 'oidc' | 'signup_logins' | typeof DEFAULT_FORGE>;
  logger: Logger;
  now: () => number;
};

/** The ways to sign in: each forge where the server is registered, and the identity provider. */
export class Ways {
  readonly #deps: Dependencies;
  readonly #provider: IdentityProvider | undefined;

  constructor(dependencies: Dependencies) {
    this.#deps = dependencies;
    const { oidc } = dependencies.config;
    this.#provider = oidc && new IdentityProvider(oidc, dependencies.calls);
  }

  all(): Way[] {
    const forges = this.#deps.forges.all().flatMap((forge) => this.#ofForge(forge) ?? []);
    return this.#provider ? [...forges, this.#provider.way] : forges;
  }

  /** Throws `not_found`. */
  require(id: string): Way {
    const way = this.all().find((each) => each.id === id);
    if (way) return way;
    const text =
      id === OIDC_WAY ? 'This server has no identity provider.' : 'Nobody can sign in with this forge on this server.';
    throw new ErrandError('not_found', text);
  }

  #ofForge(forge: KnownForge): Way | undefined {
    const { id, kind, driver, name, origin, client_id, client_secret } = forge;
    if (client_id === undefined || client_secret === undefined) return undefined;
    const oauth = new OAuth(driver, { origin, client_id, client_secret }, this.#deps.calls, this.#deps.now);
    const { device } = driver.oauth;
    const externalOf = (grant: Grant) => this.#external(forge, grant);
    const way: Way = {
      id,
      kind,
      name,
      device: device !== undefined,
      authorizeUrl: (flow) => Promise.resolve(oauth.authorizeUrl(flow)),
      finish: async (flow, answer) => externalOf(await oauth.exchange(codeOf(answer, flow), flow)),
    };
    if (!device) return way;
    const poll = async (device_code: string): Promise<DevicePoll> => {
      const answer = await oauth.pollDevice(device_code);
      return 'again_s' in answer ? answer : { external: await externalOf(answer) };
    };
    return { ...way, by_device: { start: () => oauth.startDevice(device), poll } };
  }

  async #external(forge: KnownForge, grant: Grant): Promise<External> {
    const { calls, config, logger } = this.#deps;
    const person = await forge.client.me({ token: grant.access_token }).catch((cause: unknown) => {
      throw new ErrandError('upstream_unreachable', `${forge.name} did not say who signed in.`, { cause });
    });
    if (person.bot) throw new ErrandError('link_invalid', 'A bot cannot sign in.');
    return {
      forge_id: forge.id,
      issuer: forge.origin,
      subject: person.id,
      login: person.login,
      email: confirmedEmail(forge, person),
      grant,
      is_listed: await isListed(config, forge, { login: person.login, token: grant.access_token }, { calls, logger }),
    };
  }
}

const Email = z.email();

/** The address that the forge shows if it is confirmed, else one that GitHub would give this account. */
function confirmedEmail(
  { driver, name }: KnownForge,
  { id, login, email }: { id: string; login: string; email: string | null },
): string {
  const shown = driver.confirms_email && Email.safeParse(email).success ? email : null;
  return (shown ?? `${id}+${login}@users.noreply.${name.replace(/:\d+$/, '')}`).toLowerCase();
}
