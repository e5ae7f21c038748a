import type { Logger } from '../../base/logger.ts';
import type { Calls } from '../calls.ts';
import { isAppRefused } from '../forge-api-error.ts';
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
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #kept = new Map<string, InstallationToken>();
  readonly #asking = new Map<string, Promise<InstallationToken | undefined>>();
  /** Why a forge does not accept the key of an app. */
  readonly #faults = new Map<string, string>();

  constructor(calls: Calls, logger: Logger, now: () => number) {
    this.#calls = calls;
    this.#logger = logger;
    this.#now = now;
  }

  /** Why the forge does not accept the key of the app, as it said the last time; null: it does, or was not asked. */
  faultOf(forge: KnownForge): string | null {
    return this.#faults.get(appOf(forge)) ?? null;
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

  async #ask(forge: KnownForge, name: RepositoryName): Promise<InstallationToken | undefined> {
    const { driver, client, app_id, private_key } = forge;
    if (!driver.apps || app_id === undefined || private_key === undefined) return undefined;
    try {
      const app = { client, app_id, private_key };
      const token = await driver.apps.installationToken(this.#calls, app, name, this.#now());
      this.#faults.delete(appOf(forge));
      return token;
    } catch (error) {
      if (isAppRefused(error)) this.#note(forge, error);
      throw error;
    }
  }

  #note(forge: KnownForge, err: Error): void {
    const app = appOf(forge);
    if (!this.#faults.has(app)) this.#logger.error({ err, forge: forge.origin }, 'forge does not accept the app');
    this.#faults.set(app, err.message);
  }
}

/** Another app may be made later. */
function appOf({ id, app_id }: KnownForge): string {
  return `${id} ${app_id}`;
}

function keyOf(forge: KnownForge, { owner, name }: RepositoryName): string {
  return `${appOf(forge)} ${owner}/${name}`.toLowerCase();
}
