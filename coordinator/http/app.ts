import type { RequestListener } from 'node:http';
import Koa from 'koa';
import type { ForgeKind } from '../../protocol/forges.ts';
import type { Readiness } from '../../protocol/server-info.ts';
import type { ErrorCode } from '../../protocol/problem.ts';
import type { ServerState } from '../../protocol/server.ts';
import type { Auth } from '../auth/auth.ts';
import type { RunDefaults } from '../schedules/start-run.ts';
import { BrowserGuard } from '../base/browser-guard.ts';
import type { Config } from '../base/config.ts';
import type { Keys } from '../base/keys.ts';
import { appOrigins } from '../forge/accounts/drivers.ts';
import type { ForgeAccounts } from '../forge/accounts/forge-accounts.ts';
import type { Intake } from '../forge/intake/intake.ts';
import type { Notifications } from '../notifications/notifications.ts';
import type { RepositoryCheck } from '../domain/forge-repository.ts';
import type { ServerToken } from '../tasks/forge-credential.ts';
import { ProjectCheck } from '../tasks/project-check.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import type { Logger } from '../base/logger.ts';
import { requestBudget } from './body.ts';
import { AttachmentFiles } from '../tasks/attachment-files.ts';
import { attachmentHandlers } from './attachments.ts';
import { accountHandlers } from './accounts.ts';
import { allowOrigins } from './cors.ts';
import { deliveryHandlers } from './deliveries.ts';
import { encodeAnswer } from './encode.ts';
import { answerUnmatched, createRouter } from './router.ts';
import { forgeHandlers } from './forges.ts';
import { notificationHandlers } from './notifications.ts';
import { ownerHandlers } from './owner.ts';
import { answerProblems } from './problems.ts';
import { peopleHandlers } from './people.ts';
import { personRates } from './person-rates.ts';
import { projectHandlers } from './projects.ts';
import { pullHandlers } from './pulls.ts';
import { scheduleHandlers } from './schedules.ts';
import { securityHeaders } from './security-headers.ts';
import { serverHandlers, type Offer } from './server.ts';
import { tokenHandlers } from './tokens.ts';
import { needHandlers } from './needs.ts';
import { taskHandlers } from './tasks.ts';
import { webApp, type WebApp } from './web-app.ts';

export type AppDeps = RunDefaults & {
  config: ServerToken &
    Pick<
      Config,
      | 'trust_proxy'
      | 'public_url'
      | 'domain'
      | 'signup'
      | 'metrics_token'
      | 'hosts'
      | 'cors_origins'
      | 'data_dir'
      | 'time_limit_ms'
      | 'worker_images'
      | 'in_force'
      | ForgeKind
    >;
  log: EventLog;
  keys: Keys;
  auth: Auth;
  notifications: Notifications;
  /** Takes the webhooks of forges. */
  intake: Pick<Intake, 'admit' | 'receive'>;
  forge_accounts: ForgeAccounts;
  /** Asked before a project or a task relies on a repository. */
  repositories: RepositoryCheck;
  /** The database's epoch. */
  readonly epoch: string;
  /** Why no work is started now, for queued tasks to show; or null. */
  gate: { readonly fault: string | null };
  /** Tells whoever watches that a task has changed without an event. */
  feed: { touch: (user_id: string, task_id: string) => void };
  /** The models that errands may name, and whether the demo model answers in place of Claude. */
  offer: Offer;
  /** For `GET /readyz`. */
  readiness: () => Promise<Readiness>;
  /** For `GET /server/state`. */
  status: { read: () => Promise<ServerState> };
  /** For `GET /metrics`, if there is a token for it. */
  metrics: () => Promise<string>;
  /** Called with the code of each request that was refused. */
  onRefused: (code: ErrorCode) => void;
  /** The app in the browser. */
  web: WebApp;
  logger: Logger;
};

/** The public HTTP API as an app that does not listen yet. */
export function createApp(deps: AppDeps): Koa {
  const { config, log, keys, auth, notifications, forge_accounts, intake, repositories, models, gate } = deps;
  const { feed, offer, readiness, status, metrics, web, logger } = deps;
  // Of the addresses that proxies report, only the last one comes from the trusted proxy.
  const app = new Koa({ proxy: config.trust_proxy, maxIpsCount: 1 });
  // Errors after the head was sent: mostly, the client has gone.
  app.on('error', (err: unknown) => logger.debug({ err }, 'response was cut off'));
  const linked = forge_accounts.access;
  const project_check = new ProjectCheck({
    db: log.db,
    keys,
    config,
    repositories,
    linked,
    forge: forge_accounts.warnings,
  });
  const router = createRouter(
    {
      ...accountHandlers(auth, forge_accounts.grants, { log, config }),
      ...tokenHandlers(log, auth),
      ...notificationHandlers(log, notifications),
      ...forgeHandlers(auth, forge_accounts),
      ...deliveryHandlers(intake),
      ...ownerHandlers({ config, log, keys, accounts: auth.accounts, status }),
      ...peopleHandlers(auth, forge_accounts.grants),
      ...projectHandlers({ log, keys, config, project_check }),
      ...taskHandlers({ config, models, log, keys, gate, feed, repositories, forges: forge_accounts.access }),
      ...pullHandlers({ log, gate, forges: forge_accounts.access }),
      ...scheduleHandlers({ config, models, log, repositories, forges: forge_accounts.access }),
      ...needHandlers({ config }),
      ...attachmentHandlers(log, new AttachmentFiles(config.data_dir)),
      ...serverHandlers({ readiness, metrics, offer, config, db: log.db }),
    },
    {
      ...deps,
      budget: requestBudget(),
      rates: personRates(),
      // Read for each answer, not copied.
      get epoch() {
        return deps.epoch;
      },
    },
  );
  app.use(securityHeaders(config.domain));
  app.use(answerProblems(logger, deps.onRefused));
  const guard = new BrowserGuard(config.hosts, config.cors_origins);
  app.use((ctx, next) => {
    guard.check(ctx.req);
    return next();
  });
  app.use(allowOrigins(config.cors_origins));
  app.use(encodeAnswer);
  app.use(webApp(web, appOrigins(config)));
  app.use(router.routes());
  app.use(answerUnmatched);
  return app;
}

/** The app as a listener of an HTTP server. An error that the app cannot answer destroys that one connection. */
export function requestListener(app: Koa, logger: Logger): RequestListener {
  const handle = app.callback();
  const serve = async (...[request, response]: Parameters<RequestListener>): Promise<void> => {
    try {
      await handle(request, response);
    } catch (err) {
      logger.error({ err }, 'request failed outside the middleware');
      response.destroy();
    }
  };
  return (request, response) => void serve(request, response);
}
