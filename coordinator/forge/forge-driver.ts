import type { Calls } from './calls.ts';
import type { ForgeClient, RepositoryName } from './forge.ts';
import type { ForgeHttp } from './forge-http.ts';

/**
 * All that Errand must know of one kind of forge. Each kind has a folder with its own, and a line in
 * `accounts/drivers.ts`. Nothing outside of these folders asks what kind a forge is of.
 */
export type ForgeDriver = {
  /** `origin`: such as `https://github.com`. */
  openClient: (http: ForgeHttp, origin: string) => ForgeClient;
  oauth: ForgeOAuth;
  /** Whether the forge has confirmed the e-mail address that it shows of a person. */
  confirms_email: boolean;
  /** Whether a person is a member of an organisation. Rejects with `ForgeApiError` if the forge does not say. */
  isMember: (calls: Calls, origin: string, organization: string, person: Member) => Promise<boolean>;
  /**
   * The address that an account has for commits, which keeps its own private. Undefined: its id or login has none.
   * The forge refuses no other address where there is no such function.
   */
  commitEmail?: (origin: string, account: { id: string; login: string }) => string | undefined;
  /** Undefined: a server cannot have an app of its own there. */
  apps?: ForgeApps;
};

/** Who may be a member, and their own token. */
export type Member = { login: string; token: string };

/** What the server is registered as at a forge. */
export type OAuthClient = { origin: string; client_id: string; client_secret: string };

/** OAuth 2 at a forge. Paths are below its origin. */
type ForgeOAuth = {
  authorize_path: string;
  token_path: string;
  /** Undefined: only browsers can sign in. `how_to_allow`: what the owner does where the forge has it switched off. */
  device?: { path: string; how_to_allow: string };
  /** What people are asked to allow; undefined: nothing, since the forge knows what this client may do. */
  scope: (client_id: string) => string | undefined;
  /** Takes back all that the person of this token has allowed the server. Undefined: the forge has no call for that. */
  revoke?: (calls: Calls, client: OAuthClient, access_token: string) => Promise<void>;
};

/** Apps of the server's own: the owner's browser posts a manifest to the forge, and comes back with a code. */
type ForgeApps = {
  /** Where the browser posts the manifest to. `organization`: whose the app is; undefined: the person's own. */
  formAddress: (origin: string, organization: string | undefined) => URL;
  manifest: (wish: AppWish) => Record<string, unknown>;
  /** What the forge hands out once for the code. Undefined: it does not know the code. */
  convert: (calls: Calls, origin: string, code: string) => Promise<MadeApp | undefined>;
  /** Where people choose the repositories that the app may see. */
  installAddress: (origin: string, slug: string) => string;
  /** What the app acts with at a repository. Undefined: it is not installed there, or suspended. */
  installationToken: (
    calls: Calls,
    app: AppAtForge,
    name: RepositoryName,
    now_ms: number,
  ) => Promise<InstallationToken | undefined>;
};

/**
 * What an app is to be. Addresses are the server's own; `webhook_url` undefined: no forge can reach it. `is_public`:
 * others than the account or organisation that makes it can install it and sign in with it.
 */
export type AppWish = {
  base_url: string;
  callback_url: string;
  webhook_url: string | undefined;
  is_public: boolean;
};

/** An app that was made. `private_key`: in PEM. */
export type MadeApp = {
  app_id: string;
  slug: string;
  client_id: string;
  client_secret: string;
  private_key: string;
  webhook_secret: string | undefined;
};

/** An app of the server's, with its key in PEM. */
export type AppAtForge = { client: ForgeClient; app_id: string; private_key: string };

/** Valid until `expires_at_ms`, since 1970. */
export type InstallationToken = { token: string; expires_at_ms: number };
