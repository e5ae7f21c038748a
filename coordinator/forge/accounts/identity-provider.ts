import type * as Oidc from 'openid-client';
import { z } from 'zod';
import { ErrandError } from '../../../protocol/problem.ts';
import type { External } from '../../auth/external-logins.ts';
import type { OidcConfig } from '../../base/forge-settings.ts';
import type { Calls } from '../calls.ts';
import { challengeOf, codeOf, type Flow } from './flows.ts';
import type { Way } from './way.ts';

/** The id of the identity provider among the ways to sign in. */
export const OIDC_WAY = 'oidc';

const Claims = z.object({
  sub: z.string().min(1).max(255),
  email: z.string().optional().catch(undefined),
  email_verified: z.boolean().optional().catch(undefined),
  preferred_username: z.string().max(100).optional().catch(undefined),
  name: z.string().max(100).optional().catch(undefined),
});
const Email = z.email();

/** A company's own identity provider, by OpenID Connect: the code flow with state, nonce and PKCE. */
export class IdentityProvider {
  readonly way: Way;
  readonly #config: OidcConfig;
  readonly #calls: Calls;
  #discovered: Promise<Oidc.Configuration> | undefined;

  constructor(config: OidcConfig, calls: Calls) {
    this.#config = config;
    this.#calls = calls;
    this.way = {
      id: OIDC_WAY,
      kind: 'oidc',
      name: new URL(config.issuer).host,
      device: false,
      authorizeUrl: (flow) => this.#authorizeUrl(flow),
      finish: (flow, answer) => this.#finish(flow, answer),
    };
  }

  async #authorizeUrl(flow: Flow): Promise<URL> {
    const oidc = await import('openid-client');
    return oidc.buildAuthorizationUrl(await this.#discover(oidc), {
      redirect_uri: flow.redirect_uri,
      scope: 'openid email profile',
      state: flow.state,
      nonce: nonceOf(flow),
      code_challenge: challengeOf(flow),
      code_challenge_method: 'S256',
    });
  }

  async #finish(flow: Flow, answer: string): Promise<External> {
    codeOf(answer, flow);
    const oidc = await import('openid-client');
    const configuration = await this.#discover(oidc);
    const back = new URL(flow.redirect_uri);
    back.search = answer;
    const checks = {
      expectedState: flow.state,
      expectedNonce: nonceOf(flow),
      pkceCodeVerifier: flow.verifier,
      idTokenExpected: true,
    };
    const tokens = await oidc.authorizationCodeGrant(configuration, back, checks).catch((cause: unknown) => {
      throw this.#refusal(cause);
    });
    const claims = Claims.parse(tokens.claims());
    if (claims.email !== undefined) return this.#external(claims);
    // Many providers tell the address only where one asks with the access token.
    const more = await oidc.fetchUserInfo(configuration, tokens.access_token, claims.sub).catch((cause: unknown) => {
      throw this.#refusal(cause);
    });
    return this.#external(Claims.parse(more));
  }

  /** What the provider gives access to is not kept: it serves to know who signed in. */
  #external({ sub, email, email_verified, preferred_username, name }: z.infer<typeof Claims>): External {
    const confirmed = email_verified === true && Email.safeParse(email).success ? email?.toLowerCase() : undefined;
    const domain = confirmed?.split('@').at(-1);
    return {
      forge_id: null,
      issuer: this.#config.issuer,
      subject: sub,
      login: preferred_username ?? confirmed ?? name ?? sub,
      email: confirmed ?? null,
      grant: null,
      is_listed: domain !== undefined && this.#config.domains.includes(domain),
    };
  }

  /** A failed discovery is tried again by the next sign-in. */
  #discover(oidc: typeof Oidc): Promise<Oidc.Configuration> {
    const { issuer, client_id, client_secret } = this.#config;
    const insecure = issuer.startsWith('http:') ? [oidc.allowInsecureRequests] : [];
    this.#discovered ??= oidc
      .discovery(new URL(issuer), client_id, client_secret, undefined, {
        execute: insecure,
        [oidc.customFetch]: this.#calls.fetch,
      })
      .catch((cause: unknown) => {
        this.#discovered = undefined;
        throw this.#refusal(cause);
      });
    return this.#discovered;
  }

  #refusal(cause: unknown): ErrandError {
    if (cause instanceof ErrandError) return cause;
    if (cause instanceof Error && cause.cause instanceof ErrandError) return cause.cause;
    const code = cause instanceof Error && 'error' in cause ? String(cause.error) : '';
    const { host } = new URL(this.#config.issuer);
    return code === 'invalid_grant'
      ? new ErrandError('link_invalid', `${host} refused the sign-in: it was finished before, or took too long.`)
      : new ErrandError('upstream_unreachable', `${host} did not answer as an OpenID Connect provider does.`, {
          cause,
        });
  }
}

/** Another value than the state, which the address shows. */
function nonceOf(flow: Flow): string {
  return challengeOf({ ...flow, verifier: `nonce ${flow.verifier}` });
}
