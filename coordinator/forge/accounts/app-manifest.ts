import type { Forge, ForgeAppStart, ForgeAppStarted, SignInFinish } from '../../../protocol/forges.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import type { Config } from '../../base/config.ts';
import { appendAudit } from '../../sqlite/audit.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import type { Client, Identity } from '../../auth/identity.ts';
import type { Calls } from '../calls.ts';
import type { ForgeDriver } from '../forge-driver.ts';
import { codeOf, type Flows } from './flows.ts';
import { NO_SECRETS } from './forge-secrets.ts';
import type { Forges, KnownForge } from './forges.ts';
import { CALLBACK_PATH } from './sign-in.ts';

type Dependencies = { log: EventLog; forges: Forges; flows: Flows; calls: Calls; config: Pick<Config, 'public_url'> };

/**
 * Makes an app of the server's own at a forge by a manifest: the owner's browser posts a form to the forge and comes
 * back with a code, for which the forge hands out the app's id, secrets and key once.
 */
export class AppManifest {
  readonly #deps: Dependencies;

  constructor(dependencies: Dependencies) {
    this.#deps = dependencies;
  }

  /** Throws `not_found` or `conflict`. `origin`: the address that the request came to. */
  start(forge_id: string, wish: ForgeAppStart, who: Identity, origin: string): ForgeAppStarted {
    const { forge, apps } = this.#requireNone(forge_id);
    const base_url = this.#deps.config.public_url ?? origin;
    const { user_id } = who;
    const { flow, text } = this.#deps.flows.begin({
      purpose: 'app',
      way: forge.id,
      redirect_uri: base_url,
      user_id,
    });
    const action = apps.formAddress(forge.origin, wish.organization);
    action.searchParams.set('state', flow.state);
    const manifest = apps.manifest({
      base_url,
      callback_url: `${base_url}${CALLBACK_PATH}`,
      webhook_url: base_url.startsWith('https://') ? `${base_url}/forges/${forge.id}/webhook` : undefined,
      is_public: wish.public,
    });
    return { action: action.href, manifest: JSON.stringify(manifest), flow: text };
  }

  /**
   * Rejects with `link_invalid`, `conflict` or `upstream_unreachable`; and as `requireLiving` does, once the forge has
   * answered.
   */
  async finish(
    { flow: text, answer }: SignInFinish,
    who: Identity,
    client: Client,
    requireLiving: () => void,
  ): Promise<Forge> {
    const { flows, forges, calls, log } = this.#deps;
    const flow = flows.open(text, 'app', who.user_id);
    flows.use(flow);
    const { forge, apps } = this.#requireNone(flow.way);
    const made = await apps.convert(calls, forge.origin, codeOf(answer, flow));
    if (!made) throw new ErrandError('link_invalid', `${forge.name} does not know the new app: make it again.`);
    const { slug, client_id, app_id, client_secret, private_key, webhook_secret } = made;
    const secrets = { client_secret, private_key, ...(webhook_secret !== undefined && { webhook_secret }) };
    log.write((tx) => {
      requireLiving();
      this.#requireNone(forge.id);
      forges.putApp(tx, forge.id, { client_id, app_id, app_slug: slug }, secrets);
      this.#audit(tx.db, 'forge.app_created', forge.id, slug, who, client);
    });
    return this.#view(forge.id);
  }

  /** Throws `not_found` or `conflict`. */
  forget(forge_id: string, who: Identity, client: Client): void {
    const { log, forges } = this.#deps;
    log.write((tx) => {
      const forge = forges.requireChangeable(forge_id);
      if (forge.registered === 'no') throw new ErrandError('not_found', 'The server has no app there.');
      forges.putApp(tx, forge_id, { client_id: null, app_id: null, app_slug: null }, NO_SECRETS);
      this.#audit(tx.db, 'forge.app_removed', forge_id, forge.app_slug, who, client);
    });
  }

  /** A forge where the server can have an app, and has none. */
  #requireNone(id: string): { forge: KnownForge; apps: NonNullable<ForgeDriver['apps']> } {
    const forge = this.#deps.forges.requireChangeable(id);
    const { apps } = forge.driver;
    if (!apps) throw new ErrandError('conflict', `A server cannot have an app of its own at ${forge.name}.`);
    if (forge.registered === 'app')
      throw new ErrandError('conflict', `The server has an app at ${forge.name} already: remove it first.`);
    return { forge, apps };
  }

  #audit(
    db: EventLog['db'],
    action: 'forge.app_created' | 'forge.app_removed',
    subject: string,
    app: string | undefined,
    { user_id }: Identity,
    { address }: Client,
  ): void {
    appendAudit(db, { action, user_id, address, subject, detail: { app } });
  }

  #view(id: string): Forge {
    const forge = this.#deps.forges.find(id);
    if (!forge) throw new ErrandError('not_found', 'There is no such forge.');
    return this.#deps.forges.view(forge);
  }
}
