import type { PickableRepositories } from '../../../protocol/forges.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { Rate } from '../../base/rate.ts';
import type { Logger } from '../../base/logger.ts';
import type { Db } from '../../sqlite/database.ts';
import { listLinkedAccounts, type LinkedAccountRow } from '../../sqlite/linked-accounts.ts';
import { ForgeApiError } from '../forge-api-error.ts';
import { addressOf } from '../repository-name.ts';
import type { Forges, KnownForge } from './forges.ts';
import { brokenText } from './linked-accounts.ts';
import type { UserTokens } from './user-tokens.ts';

type Dependencies = { db: Db; forges: Forges; user_tokens: UserTokens; logger: Logger; now: () => number };
type Query = { search: string; limit: number };

/** The repositories that people can pick from. */
export class Repositories {
  readonly #deps: Dependencies;
  readonly #rate: Rate;

  constructor(dependencies: Dependencies) {
    this.#deps = dependencies;
    const { repository_searches_per_minute_max: per_minute } = LIMITS;
    this.#rate = new Rate(per_minute, 'You search for repositories too often.', dependencies.now);
  }

  /** What the person may push to, of all linked accounts, the newest push first. Rejects with `rate_limited`. */
  async list(user_id: string, query: Query): Promise<PickableRepositories> {
    this.#rate.take(user_id);
    const links = listLinkedAccounts(this.#deps.db, user_id);
    const answers = await Promise.all(links.map((link) => this.#ofLink(link, query)));
    const all = new Map(answers.flatMap(({ items }) => items.map((item) => [item.repo_url, item])));
    const items = [...all.values()].sort((one, other) => (other.pushed_at ?? '').localeCompare(one.pushed_at ?? ''));
    return { items: items.slice(0, query.limit), faults: answers.flatMap(({ faults }) => faults) };
  }

  async #ofLink(link: LinkedAccountRow, query: Query): Promise<PickableRepositories> {
    const forge = link.forge_id === null ? undefined : this.#deps.forges.find(link.forge_id);
    if (!forge) return { items: [], faults: [] };
    try {
      return (await this.#ask(forge, link.id, query)) ?? { items: [], faults: [brokenText(forge.name)] };
    } catch (err) {
      this.#deps.logger.warn({ err, forge: forge.origin }, 'repositories not listed');
      const why =
        err instanceof ForgeApiError && err.fault === 'rate_limited' ? 'answers too many requests' : 'does not answer';
      return { items: [], faults: [`${forge.name} ${why} now: its repositories are missing here.`] };
    }
  }

  /** Undefined: the forge does not accept the link any more. */
  async #ask(forge: KnownForge, link: string, query: Query): Promise<PickableRepositories | undefined> {
    const { user_tokens } = this.#deps;
    const token = await user_tokens.read(link);
    if (token === undefined) return undefined;
    try {
      return await read(forge, token, query);
    } catch (error) {
      if (!(error instanceof ForgeApiError) || error.fault !== 'unauthorized') throw error;
      const renewed = await user_tokens.refused(link, token);
      return renewed === undefined ? undefined : read(forge, renewed, query);
    }
  }
}

async function read(
  { client, origin, name: forge }: KnownForge,
  token: string,
  query: Query,
): Promise<PickableRepositories> {
  const signal = AbortSignal.timeout(LIMITS.forge_answer_ms);
  const { items, missing } = await client.repositories({ token, signal }, query);
  const pickable = items.map(({ owner, name, default_branch, private: is_private, pushed_at }) => ({
    name: `${owner}/${name}`,
    repo_url: addressOf(origin, { owner, name }),
    forge,
    default_branch,
    private: is_private,
    pushed_at: pushed_at === null ? null : new Date(pushed_at).toISOString(),
  }));
  return { items: pickable, faults: missing };
}
