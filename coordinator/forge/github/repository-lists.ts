import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Access, ForgeRepositoryInfo } from '../forge.ts';
import type { RestApi } from '../rest-api.ts';
import { Repository } from './schemas.ts';

const KEPT_MS = 30_000;
const KEPT_LISTS_MAX = 50;

/**
 * The repositories that a token may push to. GitHub cannot search among these: they are read page by page. A list that
 * was read to its end is kept for a while, since a person who types a name asks with every letter.
 */
export class RepositoryLists {
  readonly #api: RestApi;
  readonly #kept = new Map<string, { until: number; items: ForgeRepositoryInfo[] }>();

  constructor(api: RestApi) {
    this.#api = api;
  }

  /** Those whose `owner/name` has `search` in it, those with the newest push first. */
  async list(access: Access, { search, limit }: { search: string; limit: number }): Promise<ForgeRepositoryInfo[]> {
    const wanted = search.trim().toLowerCase();
    const fits = ({ owner, name }: ForgeRepositoryInfo) => `${owner}/${name}`.toLowerCase().includes(wanted);
    const key = createHash('sha256').update(access.token).digest('base64');
    const kept = this.#kept.get(key);
    const items = kept && kept.until > Date.now() ? kept.items : await this.#read(access, key, fits, limit);
    return items.filter(fits).slice(0, limit);
  }

  /** Reads until enough of them fit. */
  async #read(access: Access, key: string, fits: (one: ForgeRepositoryInfo) => boolean, limit: number) {
    const call = { path: '/user/repos', query: { sort: 'pushed', per_page: 100 } };
    const { items, cut } = await this.#api.list(access, call, {
      schema: z.array(Repository),
      entries: (page) => page.filter(({ permission }) => permission === 'write' || permission === 'admin'),
      enough: (found) => found.filter(fits).length >= limit,
    });
    this.#kept.delete(key);
    if (!cut) this.#kept.set(key, { until: Date.now() + KEPT_MS, items });
    if (this.#kept.size > KEPT_LISTS_MAX)
      for (const oldest of [...this.#kept.keys()].slice(0, 1)) this.#kept.delete(oldest);
    return items;
  }
}
