import { createPrivateKey } from 'node:crypto';
import { SignJWT } from 'jose';
import { z } from 'zod';
import { LIMITS } from '../../../protocol/limits.ts';
import type { RepositoryName } from '../forge.ts';
import { ForgeApiError } from '../forge-api-error.ts';
import type { Calls } from './calls.ts';
import type { KnownForge } from './forges.ts';
import { apiOf } from './sign-up-list.ts';

const Installation = z.object({ id: z.number() });
const InstallationToken = z.object({ token: z.string().min(1), expires_at: z.iso.datetime({ offset: true }) });

/** GitHub accepts ten minutes; its clock may differ from ours. */
const JWT_S = 480;
const CLOCK_S = 60;
/** A token that expires within this time is replaced before use. */
const EXPIRES_SOON_MS = 5 * 60_000;
/** Tokens that are kept: one for each repository. */
const TOKENS_MAX = 1_000;

type AppKey = { app_id: string; private_key: string };
type Kept = { token: string; expires_at_ms: number };

/** What the server's own GitHub App acts with: a token for one repository, of the installation there. */
export class InstallationTokens {
  readonly #calls: Calls;
  readonly #now: () => number;
  readonly #kept = new Map<string, Kept>();
  readonly #asking = new Map<string, Promise<Kept | undefined>>();

  constructor(calls: Calls, now: () => number) {
    this.#calls = calls;
    this.#now = now;
  }

  /**
   * Undefined: there is no app, or it is not installed at this repository. Rejects with `ForgeApiError` or
   * `upstream_unreachable` if GitHub does not say so, or gives no token.
   */
  async read(forge: KnownForge, name: RepositoryName): Promise<string | undefined> {
    const { app_id, private_key } = forge;
    if (app_id === undefined || private_key === undefined) return undefined;
    const key = keyOf(forge, name);
    const kept = this.#kept.get(key);
    if (kept && kept.expires_at_ms - this.#now() > EXPIRES_SOON_MS) return kept.token;
    const asking =
      this.#asking.get(key) ?? this.#ask(forge, name, { app_id, private_key }).finally(() => this.#asking.delete(key));
    this.#asking.set(key, asking);
    const fresh = await asking;
    this.#kept.delete(key);
    if (fresh) this.#kept.set(key, fresh);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= TOKENS_MAX) break;
      this.#kept.delete(oldest);
    }
    return fresh?.token;
  }

  /** GitHub has refused this token: after a new installation the one before is void. Gives another one, as `read` does. */
  async refused(forge: KnownForge, name: RepositoryName, token: string): Promise<string | undefined> {
    const key = keyOf(forge, name);
    if (this.#kept.get(key)?.token === token) this.#kept.delete(key);
    return this.read(forge, name);
  }

  async #ask(forge: KnownForge, name: RepositoryName, app: AppKey): Promise<Kept | undefined> {
    try {
      const jwt = await this.#jwt(app);
      const api = apiOf(forge.kind, forge.origin);
      const repository = `${encodeURIComponent(name.owner)}/${encodeURIComponent(name.name)}`;
      const at = new URL(`${api}/repos/${repository}/installation`);
      const installation = await this.#calls.find(Installation, at, { token: jwt });
      if (!installation) return undefined;
      const url = new URL(`${api}/app/installations/${installation.id}/access_tokens`);
      const made = await this.#tokenFor(forge, name, { url, jwt });
      return made && { token: made.token, expires_at_ms: Date.parse(made.expires_at) };
    } catch (error) {
      throw isKeyRefused(error) ? keyRefused(error) : error;
    }
  }

  /** A token for this repository alone. GitHub takes its name of today, so one that was renamed is named by its id. */
  async #tokenFor(forge: KnownForge, name: RepositoryName, { url, jwt }: { url: URL; jwt: string }) {
    const make = (body: object) => this.#calls.find(InstallationToken, url, { token: jwt, method: 'POST', body });
    try {
      return await make({ repositories: [name.name] });
    } catch (error) {
      if (!(error instanceof ForgeApiError && error.fault === 'invalid')) throw error;
    }
    const reader = await make({ permissions: { metadata: 'read' } });
    if (!reader) return undefined;
    const access = { token: reader.token, signal: AbortSignal.timeout(LIMITS.forge_answer_ms) };
    const { id } = await forge.client.repository(access, name);
    return make({ repository_ids: [Number(id)] });
  }

  #jwt({ app_id, private_key }: AppKey): Promise<string> {
    const now_s = Math.floor(this.#now() / 1000);
    return new SignJWT()
      .setProtectedHeader({ alg: 'RS256' })
      .setIssuer(app_id)
      .setIssuedAt(now_s - CLOCK_S)
      .setExpirationTime(now_s + JWT_S)
      .sign(createPrivateKey(private_key));
  }
}

/** Another app may be made later. */
function keyOf({ id, app_id }: KnownForge, { owner, name }: RepositoryName): string {
  return `${id} ${app_id} ${owner}/${name}`.toLowerCase();
}

function isKeyRefused(error: unknown): error is ForgeApiError {
  return error instanceof ForgeApiError && error.fault === 'unauthorized';
}

/** No person can mend this by linking their account again, and it may pass: it is retried. */
function keyRefused(cause: ForgeApiError): ForgeApiError {
  const text = `It does not accept the key of the app. The owner of this server can check the key, and its clock. ${cause.message}`;
  return new ForgeApiError('unreachable', text, { cause });
}
