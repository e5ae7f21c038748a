import { createPrivateKey } from 'node:crypto';
import { SignJWT } from 'jose';
import { z } from 'zod';
import type { RepositoryName } from '../forge.ts';
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

  /** Undefined: there is no app, or it is not installed at this repository. Rejects with `upstream_unreachable`. */
  async read(forge: KnownForge, name: RepositoryName): Promise<string | undefined> {
    const { app_id, private_key } = forge;
    if (app_id === undefined || private_key === undefined) return undefined;
    // Another app may have been made since.
    const key = `${forge.id} ${app_id} ${name.owner}/${name.name}`.toLowerCase();
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

  async #ask(
    { kind, origin }: KnownForge,
    { owner, name }: RepositoryName,
    app: { app_id: string; private_key: string },
  ): Promise<Kept | undefined> {
    const token = await this.#jwt(app);
    const api = apiOf(kind, origin);
    const repository = `${encodeURIComponent(owner)}/${encodeURIComponent(name)}`;
    const at = new URL(`${api}/repos/${repository}/installation`);
    const installation = await this.#calls.api(Installation, at, { token });
    if (!installation) return undefined;
    const tokens = new URL(`${api}/app/installations/${installation.id}/access_tokens`);
    const made = await this.#calls.api(InstallationToken, tokens, { token, method: 'POST' });
    return made && { token: made.token, expires_at_ms: Date.parse(made.expires_at) };
  }

  #jwt({ app_id, private_key }: { app_id: string; private_key: string }): Promise<string> {
    const now_s = Math.floor(this.#now() / 1000);
    return new SignJWT()
      .setProtectedHeader({ alg: 'RS256' })
      .setIssuer(app_id)
      .setIssuedAt(now_s - CLOCK_S)
      .setExpirationTime(now_s + JWT_S)
      .sign(createPrivateKey(private_key));
  }
}
