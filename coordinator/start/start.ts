import { LIMITS } from '../../protocol/limits.ts';
import { createAuth, type Auth } from '../auth/auth.ts';
import { setupCode } from '../auth/setup-code.ts';
import { TaskTokens } from '../auth/task-tokens.ts';
import type { Config } from '../base/config.ts';
import { BrowserGuard } from '../base/browser-guard.ts';
import { listenFault } from '../base/listen-error.ts';
import type { Logger } from '../base/logger.ts';
import { startDemoModel } from '../demo/demo-model.ts';
import { sampleBackend } from '../demo/sample-backend.ts';
import { ensureSampleOf, samplesIn } from '../demo/sample-repository.ts';
import { DEMO_MODEL } from '../domain/prices.ts';
import type { TaskRow } from '../domain/task.ts';
import type { ErrorCode } from '../../protocol/problem.ts';
import { Pulls } from '../forge/pulls/pulls.ts';
import { ForgeAccounts } from '../forge/accounts/forge-accounts.ts';
import { openIntake } from '../forge/intake/open-intake.ts';
import { createApp, requestListener } from '../http/app.ts';
import { addressOf, listen } from '../base/listen.ts';
import { LiveSockets } from '../live/live-sockets.ts';
import { openNotifications, type Notifications } from '../notifications/notifications.ts';
import type { BackupSchedule } from '../operations/backup/schedule.ts';
import { auditSettings } from '../operations/audit-settings.ts';
import { openCore, type Core, type Opened } from './core.ts';
import { openListeners, openWorkerApi, startWatchdogs } from './open-worker-api.ts';
import { readReadiness } from '../operations/readiness.ts';
import { openMetrics, scheduleBackups, startLinkService, startRetention, startStatus } from './upkeep.ts';
import { Scheduler } from '../schedules/scheduler.ts';
import { readMeta } from '../sqlite/meta.ts';
import type { CommitHook, EventLog } from '../sqlite/event-log.ts';
import { findTask } from '../sqlite/tasks.ts';
import { hasUsers } from '../sqlite/users.ts';
import { buildAssignment, type Pace } from '../tasks/assignment.ts';
import { TaskRedaction } from '../tasks/task-redaction.ts';
import { TaskSettings } from '../tasks/task-settings.ts';
import { ForgeCheck } from '../worker-api/git/repository-check.ts';
import type { Upstream } from '../worker-api/model/upstream.ts';
import { WorkerAudit } from '../worker-api/worker-audit.ts';
import { chooseRunner, type RunnerContext } from '../workers/choice/choose-runner.ts';
import { Dispatcher } from '../workers/dispatcher.ts';
import type { Runner } from '../workers/runner.ts';
import { Trash } from '../workers/trash.ts';
import { openWebApp } from '../web/build.ts';
import { Workers } from '../workers/workers.ts';
import { Workspaces } from '../workers/workspaces.ts';

/** A server that is up. */
export type Errand = {
  /** Where people reach it: `http://<host>:<port>`. */
  url: string;
  /** The name of its runner, such as `docker`. */
  runner: string;
  /** Whether the demo model answers in place of Claude. */
  demo: boolean;
  /** What the first account needs; undefined: the server has an owner. */
  setup_code: string | undefined;
  /**
   * Takes no new work, tells the clients, answers the callbacks under way, and closes all. Workers with a task go on.
   */
  stop: () => Promise<void>;
};

export type StartOptions = {
  logger: Logger;
  /** Prints a line for the person at the terminal. */
  say?: (line: string) => void;
  /** How often workers call, and when their lease expires. By default as in `LIMITS`. */
  pace?: Pace;
  /** Makes the runner, for one that does not ship with Errand. By default the settings choose. */
  openRunner?: (context: RunnerContext) => Promise<Runner>;
  /**
   * Called with the log before anything else starts, for parts that do not ship with Errand. What they open is closed
   * with the server.
   */
  extend?: (log: EventLog, opened: Opened) => void;
  commit_hook?: CommitHook;
};

/** What starts workers, and what they call. */
type Work = { runner: Runner; dispatcher: Dispatcher; trash: Trash };
/** The parts that both workers and people need. */
type Shared = { core: Core; forge_accounts: ForgeAccounts };

/**
 * Builds the server from its parts and starts it. Rejects with a `ConfigError`, in words for the server's owner, where
 * the settings do not let it start; everything that was opened by then is closed again.
 */
export async function start(settings: Config, options: StartOptions): Promise<Errand> {
  const { logger, pace = LIMITS, commit_hook } = options;
  await using opened: Opened = new AsyncDisposableStack();
  const core = openCore(settings, { logger, pace, commit_hook }, opened);
  auditSettings(core);
  options.extend?.(core.log, opened);
  const shared = { core, forge_accounts: openForges(core, opened) };
  const work = await startWork(shared, options, opened);
  const backups = await scheduleBackups(core, opened);
  const url = await servePeople(shared, work, backups, opened);
  const all = opened.move();
  const { db } = core.log;
  return {
    url,
    runner: work.runner.name,
    demo: core.demo,
    setup_code: hasUsers(db) ? undefined : setupCode(core.keys, readMeta(db, 'instance')),
    stop: () => all.disposeAsync(),
  };
}

/** Starts what gives tasks to workers, and the API that they call. */
async function startWork({ core, forge_accounts }: Shared, options: StartOptions, opened: Opened): Promise<Work> {
  const { config, pace, keys, log, gate, disk, logger } = core;
  const { openRunner = chooseRunner, say = () => undefined } = options;
  const settings = new TaskSettings({ db: log.db, keys, config, linked: forge_accounts.access });
  // The issuer names the history of the database: after a restore, workers of the history before it must not write into
  // this one.
  const tokens = new TaskTokens(keys.task, readMeta(log.db, 'history'));
  const issueToken = (task_id: string, n: number) => tokens.issue(task_id, n);
  const workerSettings = (task: TaskRow) => settings.forWorker(task);
  const assignment = { ...config, db: log.db, settings: workerSettings, issueToken, pace };
  const redaction = new TaskRedaction(log, keys);
  const redactorOf = (task_id: string) => redaction.redactorOf(task_id);
  const audit = new WorkerAudit({ log, redactorOf, logger });
  const buildOne = async (task_id: string, n: number) => {
    redaction.handOver(task_id);
    const { json, secrets } = await buildAssignment(assignment, task_id, n);
    const user_id = findTask(log.db, task_id)?.user_id;
    if (secrets.length > 0 && user_id !== undefined)
      audit.note({ task_id, user_id, attempt: n }, 'secrets.used', { names: secrets });
    return json;
  };
  const watchdogs = startWatchdogs(core, opened);
  const upstream = await openModel(core, opened);
  const sample = sampleBackend((task_id) => ensureSampleOf(config.data_dir, task_id));
  const parts = { settings, tokens, watchdogs, redactorOf, audit, assignment: buildOne, upstream, sample };
  const api = openWorkerApi(core, { ...parts, access: forge_accounts.access }, opened);
  const trash = new Trash(config.data_dir, logger);
  trash.start();
  opened.defer(() => trash.stop());
  const workspaces = new Workspaces(config.data_dir, trash);
  const listeners = openListeners(api, config, opened);
  const instance = readMeta(log.db, 'instance');
  const runner = await openRunner({ config, instance, workspaces, listeners, trash, logger, say });
  opened.defer(() => runner.close());
  const limits = {
    memory_bytes: config.worker_memory_bytes,
    cpus: config.worker_cpus,
    pids_max: config.worker_pids_max,
  };
  const dispatcher = new Dispatcher({
    log,
    workers: new Workers({ runner, image: config.worker_image, limits }),
    workspaces,
    gate,
    logger,
    workers_max: config.workers,
    workspace_bytes_max: config.workspace_bytes_max,
    warm_workers: config.warm_workers,
    heartbeat_ms: pace.heartbeat_ms,
    buildAssignment: buildOne,
    redact: (task_id, text) => redaction.redact(task_id, text),
    grant: async (task_id, n) => ({ task_id, token: await issueToken(task_id, n) }),
  });
  await disk.start();
  await dispatcher.start();
  opened.defer(() => dispatcher.stop());
  const samples = samplesIn(config.data_dir);
  startRetention(core, { attempts: dispatcher.attempts, workspaces, samples }, opened);
  return { runner, dispatcher, trash };
}

/** The forges, people's access to them, and the pull requests there. */
function openForges(core: Core, opened: Opened): ForgeAccounts {
  const forge_accounts = new ForgeAccounts(core);
  forge_accounts.start();
  opened.defer(() => forge_accounts.stop());
  const pulls = new Pulls({ ...core, access: forge_accounts.access });
  pulls.start();
  opened.defer(() => pulls.stop());
  return forge_accounts;
}

/** Claude, or without a key the demo model. */
async function openModel({ config }: Core, opened: Opened): Promise<Upstream> {
  const { anthropic_base_url: base_url, anthropic_api_key: api_key } = config;
  if (api_key !== undefined) return { base_url, api_key };
  const demo = await startDemoModel();
  opened.defer(() => demo.close());
  return { base_url: demo.base_url, api_key: DEMO_MODEL };
}

/** What `GET /readyz` looks at. */
function partsOfReadiness({ config, demo, log, gate, disk }: Core, work: Work, backups: BackupSchedule | undefined) {
  return {
    db: log.db,
    gate,
    disk,
    runner: work.runner.name,
    isolation: () => work.dispatcher.isolation,
    trash: work.trash,
    model: demo ? 'the demo model' : config.model,
    backup: backups && (() => backups.check()),
  };
}

/** Opens the public port: the HTTP API and the sockets. Gives its address. */
async function servePeople(
  { core, forge_accounts }: Shared,
  work: Work,
  backups: BackupSchedule | undefined,
  opened: Opened,
): Promise<string> {
  const { config, prices, keys, log, relay, gate, logger } = core;
  const { private_hosts, proxy } = config;
  const { db } = log;
  const auth = createAuth({ config, log, keys });
  const epoch = readMeta(db, 'epoch');
  const onRefused = (code: ErrorCode): void => core.counters.requests_refused.add({ code });
  const web = await openWebApp();
  const models = (name: string) => prices.has(name);
  const notifications = openNotifications(core);
  const intake = openIntake({ ...core, models }, forge_accounts);
  for (const part of [notifications, intake]) {
    part.start();
    opened.defer(() => part.stop());
  }
  startSchedules(core, notifications, opened);
  const app = createApp({
    config,
    log,
    keys,
    auth,
    notifications,
    forge_accounts,
    intake,
    repositories: new ForgeCheck({ private_hosts, proxy, ownAddresses: core.own_addresses.all }),
    epoch,
    models,
    gate,
    feed: relay.light,
    offer: { models: prices.models(), demo: core.demo },
    readiness: () => readReadiness(partsOfReadiness(core, work, backups)),
    web,
    status: await startStatus(core, { dispatcher: work.dispatcher, backups }, opened),
    metrics: openMetrics(core, { runner: work.runner.name, dispatcher: work.dispatcher, backups }, opened),
    onRefused,
    logger,
  });
  const sockets = openSockets(core, auth, { epoch, onRefused });
  const handlers = { request: requestListener(app, logger), upgrade: sockets.upgrade };
  const { host, port, trust_proxy: behind_proxy } = config;
  const server = await listen(handlers, { host, port, behind_proxy }).catch((error: unknown) => {
    throw listenFault(error, config, 'HOST or PORT');
  });
  opened.defer(() => server.close());
  sockets.start();
  opened.defer(() => sockets.stop());
  const url = addressOf(config.host, server.port);
  await startLinkService(core, { url, auth }, opened);
  return url;
}

/** Starts errands when they are due. */
function startSchedules({ config, prices, log, logger }: Core, notifications: Notifications, opened: Opened): void {
  const models = (name: string) => prices.has(name);
  const scheduler = new Scheduler({
    log,
    defaults: { config, models },
    logger,
    onStored: () => notifications.wake(),
  });
  scheduler.start();
  opened.defer(() => scheduler.stop());
}

/** The sockets of people. They do not listen yet. */
function openSockets(
  { config, log, relay, logger }: Core,
  auth: Auth,
  more: { epoch: string; onRefused: (code: ErrorCode) => void },
): LiveSockets {
  return new LiveSockets({
    ...more,
    db: log.db,
    relay,
    authenticate: (bearer) => auth.authenticator.authenticate(bearer),
    redeemTicket: (ticket) => auth.authenticator.redeemTicket(ticket),
    onSessionEnded: (listener) => auth.sessions.onEnded(listener),
    lives: (who) => auth.authenticator.lives(who),
    browser_guard: new BrowserGuard(config.hosts, config.cors_origins),
    logger,
  });
}
