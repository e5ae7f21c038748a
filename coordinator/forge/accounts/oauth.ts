import { z } from 'zod';
import { ErrandError } from '../../../protocol/problem.ts';
import type { Grant } from '../../auth/linked-tokens.ts';
import type { Calls } from '../calls.ts';
import type { ForgeDriver, OAuthClient } from '../forge-driver.ts';
import { challengeOf, type Flow } from './flows.ts';

/** The token endpoint answers with a grant or with an error, GitHub with status 200 either way. */
const Answer = z.object({
  access_token: z.string().min(1).optional(),
  refresh_token: z.string().min(1).optional(),
  expires_in: z.number().optional(),
  error: z.string().optional(),
  interval: z.number().int().positive().optional(),
});
type Answer = z.infer<typeof Answer>;

const DeviceCode = z.object({
  device_code: z.string().optional(),
  user_code: z.string().optional(),
  verification_uri: z.url({ protocol: /^https?$/ }).optional(),
  expires_in: z.number().int().positive().optional(),
  interval: z.number().int().positive().default(5),
  error: z.string().optional(),
});

/** Errors that mean that a refresh token will never work again. */
const REFUSED = new Set(['bad_refresh_token', 'invalid_grant', 'unauthorized_client']);

/** OAuth 2 at a forge: the web flow with PKCE, the device flow and the refresh. */
export class OAuth {
  readonly #forge: ForgeDriver['oauth'];
  readonly #client: OAuthClient;
  readonly #calls: Calls;
  readonly #now: () => number;

  constructor({ oauth }: ForgeDriver, client: OAuthClient, calls: Calls, now: () => number) {
    this.#forge = oauth;
    this.#client = client;
    this.#calls = calls;
    this.#now = now;
  }

  /** Where the browser goes to sign in. */
  authorizeUrl(flow: Flow): URL {
    const { client_id } = this.#client;
    const url = this.#at(this.#forge.authorize_path);
    const fields = {
      client_id,
      redirect_uri: flow.redirect_uri,
      response_type: 'code',
      state: flow.state,
      code_challenge: challengeOf(flow),
      code_challenge_method: 'S256',
      ...this.#scope(),
    };
    for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value);
    return url;
  }

  /** Exchanges the code that the browser came back with. Rejects with `link_invalid` if the forge refuses it. */
  async exchange(code: string, { verifier, redirect_uri }: Flow): Promise<Grant> {
    const fields = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri };
    const answer = await this.#ask(fields);
    return this.#grant(answer) ?? this.#fail(answer.error);
  }

  /** Exchanges a refresh token. Undefined: it is void for ever. */
  async refresh(refresh_token: string): Promise<Grant | undefined> {
    const answer = await this.#ask({ grant_type: 'refresh_token', refresh_token });
    const grant = this.#grant(answer);
    if (grant || REFUSED.has(answer.error ?? '')) return grant;
    throw new ErrandError('upstream_unreachable', `${this.#host} renewed no token: ${describe(answer.error)}.`);
  }

  /** Takes back all that the person of this token has allowed the server, where the forge has a call for that. */
  async revoke(access_token: string): Promise<void> {
    await this.#forge.revoke?.(this.#calls, this.#client, access_token);
  }

  /** Begins a device flow. Rejects with `conflict` if the forge has it switched off. */
  async startDevice({ path, how_to_allow }: NonNullable<ForgeDriver['oauth']['device']>) {
    const { client_id } = this.#client;
    const answer = await this.#calls.form(DeviceCode, this.#at(path), { client_id, ...this.#scope() });
    const { device_code, user_code, verification_uri, expires_in = 900, interval } = answer;
    if (answer.error === 'device_flow_disabled')
      throw new ErrandError('conflict', `The app at ${this.#host} does not allow sign-in by a code: ${how_to_allow}.`);
    if (device_code === undefined || user_code === undefined || verification_uri === undefined)
      return this.#fail(answer.error);
    return { device_code, user_code, verification_uri, expires_in, interval_s: interval };
  }

  /** The grant, or after how many seconds to ask again. Rejects if the person refused or the code has expired. */
  async pollDevice(device_code: string): Promise<Grant | { again_s: number }> {
    const answer = await this.#ask({ grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code });
    const grant = this.#grant(answer);
    if (grant) return grant;
    switch (answer.error) {
      case 'authorization_pending':
        return { again_s: answer.interval ?? 5 };
      case 'slow_down':
        return { again_s: answer.interval ?? 10 };
      case 'access_denied':
        throw new ErrandError('forbidden', 'You did not allow it there.');
      case 'expired_token':
        throw new ErrandError('link_invalid', 'The code has expired: begin again.');
      case undefined:
      default:
        return this.#fail(answer.error);
    }
  }

  get #host(): string {
    return new URL(this.#client.origin).host;
  }

  #scope(): Record<string, string> {
    const scope = this.#forge.scope(this.#client.client_id);
    return scope === undefined ? {} : { scope };
  }

  #ask(fields: Record<string, string>): Promise<Answer> {
    const { client_id, client_secret } = this.#client;
    return this.#calls.form(Answer, this.#at(this.#forge.token_path), { client_id, client_secret, ...fields });
  }

  #grant({ access_token, refresh_token, expires_in }: Answer): Grant | undefined {
    if (access_token === undefined) return undefined;
    const expires_at = expires_in === undefined ? null : new Date(this.#now() + expires_in * 1000).toISOString();
    return { access_token, refresh_token: refresh_token ?? null, expires_at };
  }

  #fail(error: string | undefined): never {
    if (error === 'incorrect_client_credentials' || error === 'invalid_client')
      throw new ErrandError(
        'upstream_unreachable',
        `${this.#host} does not accept the server's client id and secret: its owner must set them anew.`,
      );
    throw new ErrandError('link_invalid', `${this.#host} refused the sign-in: ${describe(error)}. Begin again.`);
  }

  #at(path: string): URL {
    return new URL(path, this.#client.origin);
  }
}

/** An error of the forge: a word, not a text of its own. */
function describe(error: string | undefined): string {
  return error !== undefined && /^\w{1,60}$/.test(error) ? error : 'it gave no reason';
}
