import type { Calls } from '../calls.ts';
import type { RepositoryName } from '../forge.ts';
import type { InstallationToken } from '../forge-driver.ts';
import type { KnownForge } from './forges.ts';

/** A token that expires within this time is replaced before use. */
const EXPIRES_SOON_MS = 5 * 60_000;
/** Tokens that are kept: one for each repository. */
const TOKENS_MAX = 1_000;

/** What the server's own app acts with at a forge: a token for one repository, of the installation there. */
export class InstallationTokens {
  readonly #calls: Calls;
  readonly #now: () => number;
  readonly #kept = new Map<string, InstallationToken>();
  readonly #asking = new Map<string, Promise<InstallationToken | undefined>>();

  constructor(calls: Calls, now: () => number) {
    this.#calls = calls;
    this.#now = now;
  }

  /**
   * Undefined: there is no app, or it is not installed at this repository. Rejects with `ForgeApiError` or
   * `upstream_unreachable` if the forge does not say so, or gives no token.
   */
  async read(forge: KnownForge, name: RepositoryName): Promise<string | undefined> {
    const key = keyOf(forge, name);
    const kept = this.#kept.get(key);
    if (kept && kept.expires_at_ms - this.#now() > EXPIRES_SOON_MS) return kept.token;
    const asking = this.#asking.get(key) ?? this.#ask(forge, name).finally(() => this.#asking.delete(key));
    this.#asking.set(key, asking);
    const fresh = await asking.catch((error: unknown) => {
      // As long as the one before is valid nothing is lost.
      if (!kept || kept.expires_at_ms <= this.#now()) throw error;
      return kept;
    });
    this.#kept.delete(key);
    if (fresh) this.#kept.set(key, fresh);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= TOKENS_MAX) break;
      this.#kept.delete(oldest);
    }
    return fresh?.token;
  }

  /**
   * The forge has refused this token: after a new installation the one before is void. Gives another one, as `read`
   * does.
   */
  async refused(forge: KnownForge, name: RepositoryName, token: string): Promise<string | undefined> {
    const key = keyOf(forge, name);
    if (this.#kept.get(key)?.token === token) this.#kept.delete(key);
    return this.read(forge, name);
  }

  async #ask({ driver, client, app_id, private_key }: KnownForge, name: RepositoryName) {
    if (!driver.apps || app_id === undefined || private_key === undefined) return undefined;
    return driver.apps.installationToken(this.#calls, { client, app_id, private_key }, name, this.#now());
  }
}

/** Another app may be made later. */
function keyOf({ id, app_id }: KnownForge, { owner, name }: RepositoryName): string {
  return `${id} ${app_id} ${owner}/${name}`.toLowerCase();
}
