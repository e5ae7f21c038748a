import { newId } from '../../../protocol/ids.ts';
import { ForgeKind, type Forge } from '../../../protocol/forges.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import type { Config } from '../../base/config.ts';
import type { ForgeConfig } from '../../base/forge-settings.ts';
import type { Keys } from '../../base/keys.ts';
import type { EventLog, Tx } from '../../sqlite/event-log.ts';
import { insertForge, listForges, putForgeApp, type ForgeRow } from '../../sqlite/forges.ts';
import type { ForgeClient, RepositoryName } from '../forge.ts';
import type { ForgeDriver } from '../forge-driver.ts';
import type { ForgeHttp } from '../forge-http.ts';
import { repositoryAt } from '../repository-name.ts';
import { DRIVERS } from './drivers.ts';
import { NO_SECRETS, openForgeSecrets, sealForgeSecrets, type ForgeSecrets } from './forge-secrets.ts';

/** A forge that the server knows, with all that it is registered as there. */
export type KnownForge = Omit<ForgeConfig, 'client_secret'> & {
  id: string;
  kind: ForgeKind;
  /** For people, such as `github.com`. */
  name: string;
  client_secret: string | undefined;
  registered: Forge['registered'];
  driver: ForgeDriver;
  client: ForgeClient;
};

type Dependencies = {
  log: EventLog;
  keys: Keys;
  config: Pick<Config, ForgeKind | 'public_url'>;
  http: ForgeHttp;
};

/** The forges of the settings, and those that have linked accounts or an app. What the settings say comes first. */
export class Forges {
  readonly #deps: Dependencies;
  readonly #clients = new Map<string, ForgeClient>();

  constructor(dependencies: Dependencies) {
    this.#deps = dependencies;
  }

  /** Gives the forges of the settings their ids. */
  start(): void {
    const { log } = this.#deps;
    const known = new Set(listForges(log.db).map(({ origin }) => origin));
    const missing = [...this.#settings()].filter(([origin]) => !known.has(origin));
    if (missing.length === 0) return;
    log.write(({ db }) => {
      for (const [origin, { kind }] of missing) {
        const id = newId();
        const none = { client_id: null, app_id: null, app_slug: null };
        const secrets = sealForgeSecrets(this.#deps.keys, id, NO_SECRETS);
        insertForge(db, { id, kind, origin, ...none, secrets, created_at: new Date().toISOString() });
      }
    });
  }

  all(): KnownForge[] {
    const settings = this.#settings();
    return listForges(this.#deps.log.db).map((row) => this.#open(row, settings.get(row.origin)?.config));
  }

  find(id: string): KnownForge | undefined {
    return this.all().find((forge) => forge.id === id);
  }

  /** The forge that the address is on, and the repository there. Undefined: no forge that the server knows. */
  at(repo_url: string): { forge: KnownForge; repository: RepositoryName } | undefined {
    const found = repositoryAt(repo_url);
    const forge = found && this.all().find(({ origin }) => origin === found.origin);
    return forge && { forge, repository: found.repository };
  }

  /** As the owner sees it. */
  view({ id, kind, driver, origin, registered, app_slug }: KnownForge): Forge {
    const { public_url } = this.#deps.config;
    return {
      id,
      kind,
      origin,
      registered,
      can_make_app: driver.apps !== undefined && registered === 'no',
      app_slug: app_slug ?? null,
      install_url: app_slug === undefined ? null : (driver.apps?.installAddress(origin, app_slug) ?? null),
      webhook_url: public_url === undefined ? null : `${public_url}/forges/${id}/webhook`,
    };
  }

  /** Throws `not_found`, and `conflict` if the settings have the app of this forge. */
  requireChangeable(id: string): KnownForge {
    const forge = this.find(id);
    if (!forge) throw new ErrandError('not_found', 'There is no such forge.');
    if (forge.registered === 'settings')
      throw new ErrandError('conflict', `The settings of the server name the app at ${forge.name}: change it there.`);
    return forge;
  }

  /** Stores the app that the owner made at a forge. */
  putApp(
    { db }: Tx,
    id: string,
    app: Pick<ForgeRow, 'client_id' | 'app_id' | 'app_slug'>,
    secrets: ForgeSecrets,
  ): void {
    putForgeApp(db, { id, ...app, secrets: sealForgeSecrets(this.#deps.keys, id, secrets) });
  }

  #settings(): Map<string, { kind: ForgeKind; config: ForgeConfig }> {
    const all = new Map<string, { kind: ForgeKind; config: ForgeConfig }>();
    for (const kind of ForgeKind.options) {
      const config = this.#deps.config[kind];
      if (config) all.set(config.origin, { kind, config });
    }
    return all;
  }

  #open({ id, kind, origin, ...row }: ForgeRow, settings: ForgeConfig | undefined): KnownForge {
    const driver = DRIVERS[kind];
    const shared = { id, kind, driver, origin, name: new URL(origin).host, client: this.#client(driver, origin) };
    const webhook_secret = settings?.webhook_secret;
    if (settings?.client_id !== undefined || settings?.bot_token !== undefined)
      return { ...settings, ...shared, registered: 'settings' };
    const secrets = openForgeSecrets(this.#deps.keys, { id, secrets: row.secrets });
    return {
      ...shared,
      registered: row.client_id === null || secrets === undefined ? 'no' : 'app',
      client_id: secrets && (row.client_id ?? undefined),
      client_secret: secrets?.client_secret,
      app_id: row.app_id ?? undefined,
      app_slug: row.app_slug ?? undefined,
      private_key: secrets?.private_key,
      bot_token: undefined,
      webhook_secret: webhook_secret ?? secrets?.webhook_secret,
    };
  }

  #client(driver: ForgeDriver, origin: string): ForgeClient {
    const known = this.#clients.get(origin);
    if (known) return known;
    const opened = driver.openClient(this.#deps.http, origin);
    this.#clients.set(origin, opened);
    return opened;
  }
}
