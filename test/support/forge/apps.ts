import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { decodeJwt, jwtVerify } from 'jose';
import type { Permission } from '../../../coordinator/forge/forge.ts';
import { lesser, secret, type Person, type Repository, type World } from './world.ts';

/** A GitHub App. */
export type App = {
  id: number;
  slug: string;
  name: string;
  owner: Person;
  /** The person in whose name its installations write: `<slug>[bot]`. */
  bot: Person;
  client_id: string;
  client_secret: string;
  /** PKCS #1, as GitHub hands it out. */
  pem: string;
  webhook_secret: string;
  hook_url: string | null;
  callback_urls: string[];
  setup_url: string | null;
  /**
   * Whether others than its owner, or the members of the organisation that owns it, can sign in with it and install
   * it.
   */
  public: boolean;
  /** Whether it allows the device flow. Its owner ticks that in its settings: a manifest cannot. */
  device_flow: boolean;
};

/** Where an app is installed: at an account, for all its repositories or some. */
export type Installation = {
  id: number;
  app: App;
  account: Person;
  repositories: 'all' | Set<Repository>;
  /** Since when it may do nothing; null: it may. */
  suspended_at: string | null;
};

/** A right that a fine-grained token can be given. There is none for check runs. */
export type Right = 'actions' | 'statuses';

/** A token. `person` null: an installation's. */
export type Token = {
  value: string;
  /** The person's own, a person's through an app, or the installation's. */
  kind: 'personal' | 'user' | 'installation';
  person: Person | null;
  app: App | null;
  installation: Installation | null;
  /** The only ones of the installation that it is for; null: all. */
  only: ReadonlySet<Repository> | null;
  /** In milliseconds; null: never. */
  expires_at: number | null;
  /** What a fine-grained token may read of private repositories, beside what all may; null: it is none. */
  rights: ReadonlySet<Right> | null;
  /** Can be used once for the next token. */
  refresh: { value: string; expires_at: number } | null;
  revoked: boolean;
};

const HOUR_MS = 3_600_000;
const REFRESH_MS = 184 * 24 * HOUR_MS;

/** Apps, installations and tokens. */
export class Apps {
  readonly apps: App[] = [];
  readonly installations: Installation[] = [];
  readonly tokens: Token[] = [];
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  addApp(owner: Person, fields: Partial<App> & { name: string }): App {
    const slug = fields.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
    let pem: string | undefined;
    const app: App = {
      id: this.#world.id(),
      slug,
      owner,
      bot: this.#world.addPerson(`${slug}[bot]`, { type: 'Bot', name: null, email: null }),
      client_id: secret('Iv23').slice(0, 20),
      client_secret: secret('').slice(0, 40),
      // Most tests need no key, and it takes long to make one.
      get pem() {
        return (pem ??= newKey());
      },
      webhook_secret: secret('hook'),
      hook_url: null,
      callback_urls: [],
      setup_url: null,
      public: true,
      device_flow: true,
      ...fields,
    };
    this.apps.push(app);
    return app;
  }

  /** Whether this person can sign in with an app. */
  mayAuthorize({ public: is_public, owner }: App, person: Person): boolean {
    return is_public || owner === person || owner.members.has(person);
  }

  /** Installs an app at an account. */
  install(app: App, account: Person, repositories: 'all' | Repository[] = 'all'): Installation {
    if (!app.public && account !== app.owner)
      throw new Error(`${app.name} is private: ${account.login} cannot have it.`);
    const some = repositories === 'all' ? repositories : new Set(repositories);
    const what = { app, account, repositories: some };
    const installation: Installation = { id: this.#world.id(), ...what, suspended_at: null };
    this.installations.push(installation);
    return installation;
  }

  uninstall(installation: Installation): void {
    this.installations.splice(this.installations.indexOf(installation), 1);
    for (const token of this.tokens) if (token.installation === installation) token.revoked = true;
  }

  installationOf(app: App, repository: Repository): Installation | undefined {
    return this.installations.find(
      (one) =>
        one.app === app &&
        one.account === repository.owner &&
        (one.repositories === 'all' || one.repositories.has(repository)),
    );
  }

  /** A personal access token. */
  personalToken(person: Person): Token {
    return this.#add({ value: secret('ghp_'), kind: 'personal', person });
  }

  /** A fine-grained personal access token with these rights, beside those to code, issues and pull requests. */
  fineGrainedToken(person: Person, rights: readonly Right[]): Token {
    return this.#add({ value: secret('github_pat_'), kind: 'personal', person, rights: new Set(rights) });
  }

  /** A person's token through an app, for 8 hours. */
  userToken(person: Person, app: App): Token {
    const refresh = { value: secret('ghr_'), expires_at: this.#world.now() + REFRESH_MS };
    const expires_at = this.#world.now() + 8 * HOUR_MS;
    return this.#add({ value: secret('ghu_'), kind: 'user', person, app, refresh, expires_at });
  }

  /** An installation's token, for an hour. */
  installationToken(installation: Installation, only: ReadonlySet<Repository> | null = null): Token {
    const expires_at = this.#world.now() + HOUR_MS;
    const { app } = installation;
    return this.#add({
      value: secret('ghs_'),
      kind: 'installation',
      person: null,
      app,
      installation,
      only,
      expires_at,
    });
  }

  /** A token that is valid now. */
  token(value: string): Token | undefined {
    const token = this.tokens.find((one) => one.value === value && !one.revoked);
    return token?.expires_at && token.expires_at <= this.#world.now() ? undefined : token;
  }

  /** Takes all tokens of a person through an app, as in the settings of their account. */
  revokeAll(person: Person): void {
    for (const token of this.tokens) if (token.person === person) token.revoked = true;
  }

  /** The app whose key signed this token; undefined: none, or it is expired or runs for more than 10 minutes. */
  async appOf(jwt: string): Promise<App | undefined> {
    try {
      const { iss } = decodeJwt(jwt);
      const app = this.apps.find(({ id, client_id }) => iss === client_id || iss === String(id));
      if (app === undefined) return undefined;
      const currentDate = new Date(this.#world.now());
      const { payload } = await jwtVerify(jwt, createPublicKey(app.pem), { algorithms: ['RS256'], currentDate });
      const now_s = currentDate.getTime() / 1000;
      const { iat = Infinity, exp = Infinity } = payload;
      return iat <= now_s + 60 && exp <= now_s + 600 ? app : undefined;
    } catch {
      return undefined;
    }
  }

  /** What the bearer of a token may do to a repository. */
  permission(token: Token | null, repository: Repository): Permission {
    const open: Permission = repository.private ? 'none' : 'read';
    if (token === null) return open;
    const own = token.kind === 'installation' ? 'write' : this.#world.permission(token.person, repository);
    if (token.app === null) return own;
    if (token.only?.has(repository) === false) return open;
    const installation = this.installationOf(token.app, repository);
    const reaches = token.kind === 'installation' ? installation === token.installation : installation !== undefined;
    return reaches && installation !== undefined ? own : lesser(own, open);
  }

  #add(fields: Partial<Token> & Pick<Token, 'value' | 'kind' | 'person'>): Token {
    const none = {
      app: null,
      installation: null,
      only: null,
      expires_at: null,
      refresh: null,
      rights: null,
      revoked: false,
    };
    const token: Token = { ...none, ...fields };
    this.tokens.push(token);
    return token;
  }
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
}
