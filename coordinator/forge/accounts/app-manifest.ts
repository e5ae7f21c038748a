import { z } from 'zod';
import type { Forge, ForgeAppStarted, SignInFinish } from '../../../protocol/forges.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import type { Config } from '../../base/config.ts';
import { appendAudit } from '../../sqlite/audit.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import type { Client, Identity } from '../../auth/identity.ts';
import type { Calls } from './calls.ts';
import { codeOf, type Flows } from './flows.ts';
import { NO_SECRETS } from './forge-secrets.ts';
import type { Forges, KnownForge } from './forges.ts';
import { CALLBACK_PATH } from './sign-in.ts';
import { apiOf } from './sign-up-list.ts';

/** What GitHub answers for the code of a new app. */
const Made = z.object({
  id: z.number().int().positive(),
  slug: z.string().min(1).max(100),
  client_id: z.string().min(1).max(100),
  client_secret: z.string().min(1),
  pem: z.string().min(1),
  webhook_secret: z.string().nullish(),
});

/** What Errand does at GitHub: branches and pull requests, comments, checks and their logs, who is a member. */
const PERMISSIONS = {
  actions: 'read',
  checks: 'read',
  contents: 'write',
  issues: 'write',
  members: 'read',
  metadata: 'read',
  pull_requests: 'write',
  statuses: 'read',
  // Without it GitHub refuses every branch that changes a workflow, and merges of one.
  workflows: 'write',
};
const EVENTS = [
  'check_run',
  'issue_comment',
  'issues',
  'pull_request',
  'pull_request_review',
  'pull_request_review_comment',
  'repository',
  'status',
];
const NAME_CHARS_MAX = 34;

type Dependencies = { log: EventLog; forges: Forges; flows: Flows; calls: Calls; config: Pick<Config, 'public_url'> };

/**
 * Makes a GitHub App of the server's own by GitHub's manifest flow: the owner's browser posts a form to GitHub and comes
 * back with a code, for which GitHub hands out the app's id, secrets and key once.
 */
export class AppManifest {
  readonly #deps: Dependencies;

  constructor(dependencies: Dependencies) {
    this.#deps = dependencies;
  }

  /** Throws `not_found` or `conflict`. `origin`: the address that the request came to. */
  start(forge_id: string, organization: string | undefined, who: Identity, origin: string): ForgeAppStarted {
    const forge = this.#requireNone(forge_id);
    const base = this.#deps.config.public_url ?? origin;
    const { user_id } = who;
    const { flow, text } = this.#deps.flows.begin({ purpose: 'app', way: forge.id, redirect_uri: base, user_id });
    const path = organization === undefined ? '/settings/apps/new' : `/organizations/${organization}/settings/apps/new`;
    const action = new URL(path, forge.origin);
    action.searchParams.set('state', flow.state);
    return { action: action.href, manifest: JSON.stringify(manifestOf(forge, base)), flow: text };
  }

  /** Rejects with `link_invalid`, `conflict` or `upstream_unreachable`. */
  async finish({ flow: text, answer }: SignInFinish, who: Identity, client: Client): Promise<Forge> {
    const { flows, forges, calls, log } = this.#deps;
    const flow = flows.open(text, 'app', who.user_id);
    flows.use(flow);
    const forge = this.#requireNone(flow.way);
    const code = encodeURIComponent(codeOf(answer, flow));
    const url = new URL(`${apiOf(forge.kind, forge.origin)}/app-manifests/${code}/conversions`);
    const made = await calls.api(Made, url, { method: 'POST' });
    if (!made) throw new ErrandError('link_invalid', `${forge.name} does not know the new app: make it again.`);
    const { client_id, client_secret, pem, slug, webhook_secret } = made;
    const secrets = { client_secret, private_key: pem, ...(webhook_secret && { webhook_secret }) };
    log.write((tx) => {
      this.#requireNone(forge.id);
      forges.putApp(tx, forge.id, { client_id, app_id: String(made.id), app_slug: slug }, secrets);
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

  #requireNone(id: string): KnownForge {
    const forge = this.#deps.forges.requireChangeable(id);
    if (forge.kind !== 'github') throw new ErrandError('conflict', `${forge.name} is no GitHub: it has no such apps.`);
    if (forge.registered === 'app')
      throw new ErrandError('conflict', `The server has an app at ${forge.name} already: remove it first.`);
    return forge;
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

/** What the app is to be. GitHub takes no webhook that it cannot reach, and no events without one. */
function manifestOf({ id }: KnownForge, base: string): Record<string, unknown> {
  const hook = base.startsWith('https://') && {
    hook_attributes: { url: `${base}/forges/${id}/webhook`, active: true },
  };
  return {
    name: `Errand ${new URL(base).hostname}`.slice(0, NAME_CHARS_MAX),
    url: base,
    description: 'Sends errands to a server of your own: it opens pull requests and answers their reviews.',
    redirect_url: `${base}${CALLBACK_PATH}`,
    callback_urls: [`${base}${CALLBACK_PATH}`],
    setup_url: `${base}/settings/accounts`,
    public: false,
    default_permissions: PERMISSIONS,
    ...(hook && { ...hook, default_events: EVENTS }),
  };
}
