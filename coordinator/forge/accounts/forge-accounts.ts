import type { Forge } from '../../../protocol/forges.ts';
import type { Config } from '../../base/config.ts';
import type { Keys } from '../../base/keys.ts';
import type { Logger } from '../../base/logger.ts';
import type { ThreadPool } from '../../base/threads.ts';
import type { ExternalLogins } from '../../auth/external-logins.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import { ForgeHttp } from '../forge-http.ts';
import { Access } from './access.ts';
import { AppManifest } from './app-manifest.ts';
import { Calls } from '../calls.ts';
import { Flows } from './flows.ts';
import { Forges } from './forges.ts';
import { Grants } from './grants.ts';
import { InstallationTokens } from './installation-tokens.ts';
import { LinkedAccounts } from './linked-accounts.ts';
import { ProjectWarnings } from './project-warnings.ts';
import { Repositories } from './repositories.ts';
import { SignIn } from './sign-in.ts';
import { UserTokens } from './user-tokens.ts';
import { Ways } from './ways.ts';

type Dependencies = {
  log: EventLog;
  keys: Keys;
  config: Config;
  /** Reads large answers. */
  threads: ThreadPool;
  logger: Logger;
  /** Milliseconds since 1970. */
  now?: () => number;
};

/** The forges of a server, and people's access to them. */
export class ForgeAccounts {
  readonly forges: Forges;
  readonly access: Access;
  readonly repositories: Repositories;
  readonly warnings: ProjectWarnings;
  readonly links: LinkedAccounts;
  readonly grants: Grants;
  readonly manifest: AppManifest;
  readonly #installation_tokens: InstallationTokens;
  readonly #ways: Ways;
  readonly #flows: Flows;
  readonly #http: ForgeHttp;
  readonly #config: Config;
  readonly #now: () => number;

  constructor({ log, keys, config, threads, logger, now = Date.now }: Dependencies) {
    this.#config = config;
    this.#now = now;
    const http = new ForgeHttp(config.private_hosts, config.proxy, threads);
    const calls = new Calls(http);
    this.#http = http;
    this.#flows = new Flows(keys, now);
    this.forges = new Forges({ log, keys, config, http });
    const { forges } = this;
    const user_tokens = new UserTokens({ log, keys, forges, calls, logger, now });
    const installation_tokens = new InstallationTokens(calls, logger, now);
    this.#installation_tokens = installation_tokens;
    this.access = new Access({ db: log.db, keys, config, forges, user_tokens, installation_tokens });
    this.warnings = new ProjectWarnings({ db: log.db, forges, access: this.access });
    this.repositories = new Repositories({ db: log.db, forges, user_tokens, logger, now });
    this.grants = new Grants({ db: log.db, keys, forges, calls, logger, now });
    this.links = new LinkedAccounts({ log, keys, forges });
    this.manifest = new AppManifest({ log, forges, flows: this.#flows, calls, config });
    this.#ways = new Ways({ forges, calls, config, logger, now });
  }

  /** The sign-in, on top of the accounts of this server. */
  signIn(logins: ExternalLogins): SignIn {
    const { links } = this;
    return new SignIn({ config: this.#config, ways: this.#ways, flows: this.#flows, logins, links, now: this.#now });
  }

  /** The forges as the owner sees them. */
  views(): Forge[] {
    const { forges } = this;
    return forges
      .all()
      .map((forge) => ({ ...forges.view(forge), app_fault: this.#installation_tokens.faultOf(forge) }));
  }

  start(): void {
    this.forges.start();
  }

  stop(): Promise<void> {
    return this.#http.close();
  }
}
