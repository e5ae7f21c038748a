import { createHash } from 'node:crypto';
import type { Access, ForgeRepositoryInfo, RepositoryList } from '../forge.ts';
import { cutText } from '../repository-api.ts';
import type { RestApi } from '../rest-api.ts';
import { readInstallations, readOwn, type PushableRepositories } from './pushable.ts';

const KEPT_MS = 30_000;
const KEPT_LISTS_MAX = 50;
/** A person's token through a GitHub App, as opposed to one of their own or of an OAuth app. */
const APP_USER_TOKEN = /^ghu_/;

type Kept = { list: Promise<PushableRepositories>; until: number };

/**
 * The repositories that a token may push to. GitHub cannot search among these: they are read page by page. What was
 * read is kept for a while, and shared while it is read, since a person who types a name asks with every letter.
 */
export class RepositoryLists {
  readonly #api: RestApi;
  readonly #origin: string;
  readonly #kept = new Map<string, Kept>();

  constructor(api: RestApi, origin: string) {
    this.#api = api;
    this.#origin = origin;
  }

  /** Those whose `owner/name` has `search` in it, those with the newest push first. */
  async list(access: Access, { search, limit }: { search: string; limit: number }): Promise<RepositoryList> {
    const { items, cut, without_sign_on } = await this.#whole(access);
    const wanted = search.trim().toLowerCase();
    const fits = ({ owner, name }: ForgeRepositoryInfo) => `${owner}/${name}`.toLowerCase().includes(wanted);
    const found = items.filter(fits);
    const missing = [
      ...(cut && found.length < limit ? [cutText(this.#origin)] : []),
      ...(without_sign_on > 0 ? [this.#signOnText(without_sign_on)] : []),
    ];
    return { items: found.slice(0, limit), missing };
  }

  #whole(access: Access): Promise<PushableRepositories> {
    const key = createHash('sha256').update(access.token).digest('base64');
    const kept = this.#kept.get(key);
    if (kept && kept.until > Date.now()) return kept.list;
    const read = APP_USER_TOKEN.test(access.token) ? readInstallations : readOwn;
    const fresh: Kept = { list: read(this.#api, access), until: Infinity };
    this.#kept.delete(key);
    this.#kept.set(key, fresh);
    if (this.#kept.size > KEPT_LISTS_MAX)
      for (const oldest of [...this.#kept.keys()].slice(0, 1)) this.#kept.delete(oldest);
    const keep = () => void (fresh.until = Date.now() + KEPT_MS);
    // Whoever asks next tries again.
    const forget = () => void (fresh.until = 0);
    void fresh.list.then(keep, forget);
    return fresh.list;
  }

  /** GitHub shows these once the app is allowed anew while there is a session. */
  #signOnText(organisations: number): string {
    const [whose, them] = organisations === 1 ? ['1 organisation', 'it'] : [`${organisations} organisations`, 'them'];
    return (
      `Repositories of ${whose} are missing, which asks for single sign-on. Sign in to ${them} at ` +
      `${this.#origin}/orgs/<organisation>/sso, then unlink the account here and link it again.`
    );
  }
}
