import { createPrivateKey } from 'node:crypto';
import { z } from 'zod';
import type { ForgeKind } from '../../protocol/forges.ts';
import { headerKey, httpUrl, issuerUrl, list, secret } from './setting-forms.ts';

/* The settings of forges and of sign-in with them, and how they become a part of `Config`. */

const PEM = /^-----BEGIN (RSA )?PRIVATE KEY-----\n[\s\S]+\n-----END (RSA )?PRIVATE KEY-----$/;
function isPrivateKey(pem: string): boolean {
  try {
    createPrivateKey(pem);
    return true;
  } catch {
    return false;
  }
}

/** Files with settings often hold one line each: `\n` in the value stands for a line break. */
const privateKey = z
  .string()
  .transform((value) => value.replaceAll('\\n', '\n').replaceAll('\r', '').trim())
  .refine(
    (value) => PEM.test(value) && isPrivateKey(value),
    'is not a private key in PEM, with its BEGIN and END lines',
  );
/** The origin of a forge: nothing follows the host and port. */
const origin = httpUrl.refine(
  (value) => new URL(value).pathname === '/',
  'is more than https://host: leave out the path',
);
const plain = secret.regex(/^[\x21-\x7e]{1,200}$/, 'has a space or another character that it cannot have');
const LOGIN = /^((user|org):)?([a-z0-9.-]+(:\d{1,5})?\/)?[a-z0-9][a-z0-9._-]{0,99}$/;

export const forges = {
  ERRAND_GITHUB_ORIGIN: origin
    .default('https://github.com')
    .describe('the address of GitHub, at ghe.com too, or of your GitHub Enterprise Server'),
  ERRAND_GITHUB_CLIENT_ID: plain
    .optional()
    .describe('the client id of your GitHub App; unset: the owner can make one from the settings page of the app'),
  ERRAND_GITHUB_CLIENT_SECRET: headerKey.describe('its client secret'),
  ERRAND_GITHUB_APP_ID: z
    .string()
    .trim()
    .regex(/^\d{1,15}$/, 'is not a number')
    .optional()
    .describe('its app id, for what the app does in its own name'),
  ERRAND_GITHUB_APP_SLUG: plain.optional().describe('its name in addresses: `https://github.com/apps/<slug>`'),
  ERRAND_GITHUB_PRIVATE_KEY: privateKey.optional().describe('its private key in PEM; `\\n` stands for a line break'),
  ERRAND_GITHUB_WEBHOOK_SECRET: headerKey.describe('the secret that it signs webhooks with'),
  ERRAND_GITEA_ORIGIN: origin.optional().describe('the address of your Gitea or Forgejo'),
  ERRAND_GITEA_CLIENT_ID: plain.optional().describe('the client id of an OAuth2 application there, to sign in with it'),
  ERRAND_GITEA_CLIENT_SECRET: headerKey.describe('its client secret'),
  ERRAND_GITEA_BOT_TOKEN: headerKey.describe('an access token of the account that acts as the bot there'),
  ERRAND_GITEA_WEBHOOK_SECRET: headerKey.describe('the secret of the webhooks there'),
};

export const signIn = {
  ERRAND_SIGNUP_LOGINS: list
    .refine((names) => names.every((name) => LOGIN.test(name)), 'is not a list of logins and organisations')
    .describe(
      'who may make an account by signing in with a forge, while `ERRAND_SIGNUP` is closed: logins at GitHub, and `org:name` ' +
        'for the members of an organisation, or `host/name` and `org:host/name` at another forge, with commas',
    ),
  ERRAND_OIDC_ISSUER: issuerUrl
    .optional()
    .describe('the issuer of an OpenID Connect identity provider to sign in with, exactly as it names itself'),
  ERRAND_OIDC_CLIENT_ID: plain.optional().describe('the client id there'),
  ERRAND_OIDC_CLIENT_SECRET: headerKey.describe('the client secret there'),
  ERRAND_OIDC_DOMAINS: list.describe(
    'the domains of the confirmed e-mail addresses that may make an account that way, with commas; unset: as `ERRAND_SIGNUP` says',
  ),
};

type Given = z.infer<z.ZodObject<typeof forges & typeof signIn>>;

/** A forge as the settings describe it. Undefined fields are not set. */
export type ForgeConfig = {
  origin: string;
  client_id: string | undefined;
  client_secret: string | undefined;
  app_id: string | undefined;
  app_slug: string | undefined;
  /** In PEM. */
  private_key: string | undefined;
  /** What the bot acts with at a forge without apps. */
  bot_token: string | undefined;
  webhook_secret: string | undefined;
};

/** An identity provider to sign in with. `domains`: of e-mail addresses that may sign up; empty: none by that rule. */
export type OidcConfig = { issuer: string; client_id: string; client_secret: string; domains: string[] };

/** The forge that a server knows without any setting, and that a name without a host is at. */
export const DEFAULT_FORGE = 'github' satisfies ForgeKind;

/**
 * What `Config` has of forges and sign-in: each kind of forge under its name. Undefined: the server uses none of it.
 */
export type SignInConfig = Record<ForgeKind, ForgeConfig | undefined> &
  Record<typeof DEFAULT_FORGE, ForgeConfig> & {
    oidc: OidcConfig | undefined;
    /**
     * Who may sign up with a forge: `name` at GitHub, `host/name` at another forge, each perhaps with `user:` or
     * `org:` before it; in lower case.
     */
    signup_logins: string[];
  };

/** The first of each pair is of no use without the second. */
const NEEDS: [keyof Given, keyof Given][] = [
  ['ERRAND_GITHUB_CLIENT_ID', 'ERRAND_GITHUB_CLIENT_SECRET'],
  ['ERRAND_GITHUB_APP_ID', 'ERRAND_GITHUB_PRIVATE_KEY'],
  ['ERRAND_GITHUB_APP_ID', 'ERRAND_GITHUB_CLIENT_ID'],
  ['ERRAND_GITEA_CLIENT_ID', 'ERRAND_GITEA_CLIENT_SECRET'],
  ['ERRAND_OIDC_ISSUER', 'ERRAND_OIDC_CLIENT_ID'],
  ['ERRAND_OIDC_CLIENT_ID', 'ERRAND_OIDC_CLIENT_SECRET'],
  ['ERRAND_OIDC_CLIENT_SECRET', 'ERRAND_OIDC_ISSUER'],
  ['ERRAND_GITHUB_CLIENT_SECRET', 'ERRAND_GITHUB_CLIENT_ID'],
  ['ERRAND_GITHUB_PRIVATE_KEY', 'ERRAND_GITHUB_APP_ID'],
  ['ERRAND_GITEA_CLIENT_SECRET', 'ERRAND_GITEA_CLIENT_ID'],
  ['ERRAND_GITEA_CLIENT_ID', 'ERRAND_GITEA_ORIGIN'],
  ['ERRAND_GITEA_BOT_TOKEN', 'ERRAND_GITEA_ORIGIN'],
  ['ERRAND_OIDC_DOMAINS', 'ERRAND_OIDC_ISSUER'],
];

/** What is missing beside what was given, in words for the server's owner. */
export function forgeFaults(given: Readonly<Record<string, unknown>>): string[] {
  return NEEDS.filter(([one, other]) => given[one] !== undefined && given[other] === undefined).map(
    ([one, other]) => `${one} needs ${other}`,
  );
}

/** The settings as a part of `Config`. */
export function signInConfig(s: Given): SignInConfig {
  const { ERRAND_OIDC_ISSUER: issuer, ERRAND_OIDC_CLIENT_ID: client_id, ERRAND_OIDC_CLIENT_SECRET: client_secret } = s;
  const complete = issuer !== undefined && client_id !== undefined && client_secret !== undefined;
  return {
    github: forgeConfig(s, 'github', s.ERRAND_GITHUB_ORIGIN),
    gitea: s.ERRAND_GITEA_ORIGIN === undefined ? undefined : forgeConfig(s, 'gitea', s.ERRAND_GITEA_ORIGIN),
    oidc: complete ? { issuer, client_id, client_secret, domains: s.ERRAND_OIDC_DOMAINS } : undefined,
    signup_logins: s.ERRAND_SIGNUP_LOGINS,
  };
}

/** The settings of one kind of forge. A kind has those that it has a use for. */
function forgeConfig(s: Readonly<Record<string, unknown>>, kind: ForgeKind, address: string): ForgeConfig {
  const read = (name: string): string | undefined => {
    const value = s[`ERRAND_${kind.toUpperCase()}_${name}`];
    return typeof value === 'string' ? value : undefined;
  };
  return {
    origin: new URL(address).origin,
    client_id: read('CLIENT_ID'),
    client_secret: read('CLIENT_SECRET'),
    app_id: read('APP_ID'),
    app_slug: read('APP_SLUG'),
    private_key: read('PRIVATE_KEY'),
    bot_token: read('BOT_TOKEN'),
    webhook_secret: read('WEBHOOK_SECRET'),
  };
}
