import { join } from 'node:path';
import { LIMITS } from '../protocol/limits.ts';
import { buildAssignment, type Pace } from './tasks/assignment.ts';
import { createAuth } from './auth/auth.ts';
import type { BackupSchedule } from './operations/backup/schedule.ts';
import { chooseRunner } from './workers/choose-runner.ts';
import type { Config } from './base/config.ts';
import { openCore, type Core, type Opened } from './operations/core.ts';
import { startDemoModel } from './demo/demo-model.ts';
import { sampleBackend } from './demo/sample-backend.ts';
import { Dispatcher } from './workers/dispatcher.ts';
import { createApp } from './http/app.ts';
import { addressOf, listen } from './http/listen.ts';
import { serveSockets, SOCKET_OPTIONS } from './live/socket.ts';
import { WorkerApi } from './worker-api/worker-api.ts';
import { egressProxy } from './worker-api/egress/tunnel.ts';
import { gitProxy } from './worker-api/git/git-proxy.ts';
import { ForgeCheck } from './worker-api/git/repository-check.ts';
import { modelProxy } from './worker-api/model/model-proxy.ts';
import type { Upstream } from './worker-api/model/upstream.ts';
import { WorkerDirectories } from './workers/worker-directories.ts';
import { listenFault } from './base/listen-error.ts';
import type { Logger } from './base/logger.ts';
import { watchWorkers } from './workers/watchdogs.ts';
import { DEMO_MODEL } from './domain/prices.ts';
import { readReadiness } from './operations/readiness.ts';
import type { Runner } from './workers/runner.ts';
import type { Signals } from './tasks/signals.ts';
import { readMeta } from './sqlite/database.ts';
import { hasUsers } from './sqlite/users.ts';
import { taskSettings } from './tasks/task-settings.ts';
import { TaskTokens } from './auth/task-tokens.ts';
import { openMetrics, scheduleBackups, startRetention } from './operations/upkeep.ts';
import { Workers } from './workers/workers.ts';

/** A server that is up. */
export type Errand = {
  /** Where people reach it: `http://<host>:<port>`. */
  url: string;
  /** Where workers on other machines reach it. */
  callback_url: string;
  runner: 'docker' | 'process';
  /** Whether the demo model answers in place of Claude. */
  demo: boolean;
  /** Whether somebody has an account here already. */
  has_owner: boolean;
  /** Takes no new work, tells the clients, answers the callbacks under way, lets go. Workers with a task live on. */
  stop: () => Promise<void>;
};

export type StartOptions = {
  logger: Logger;
  /** A line for the person at the terminal. */
  say?: (line: string) => void;
  /** How often workers call, and when they are lost. By default as `LIMITS` has it. */
  pace?: Pace;
};

/** What starts workers, and what they call. */
type Work = { runner: Runner; dispatcher: Dispatcher; signals: Signals; callback_url: string };

/**
 * Puts the server together and starts it. Rejects with a `ConfigError`, in words for the server's owner, where the settings do not let it
 * start; what was opened by then is closed again.
 */
export async function start(settings: Config, options: StartOptions): Promise<Errand> {
  const { logger, say = () => undefined } = options;
  await using opened: Opened = new AsyncDisposableStack();
  const core = openCore(settings, { logger, pace: options.pace ?? LIMITS }, opened);
  const { config, demo } = core;
  const instance = readMeta(core.log.db, 'instance');
  const workers_dir = join(config.data_dir, 'workers');
  const runner = await chooseRunner({ config, instance, workers_dir, logger, say });
  opened.defer(() => runner.close());
  const work = await startWork(core, runner, instance, opened);
  const backups = scheduleBackups(core, opened);
  const url = await servePeople(core, work, backups, opened);
  const all = opened.move();
  return {
    url,
    callback_url: work.callback_url,
    runner: runner.kind,
    demo,
    has_owner: hasUsers(core.log.db),
    stop: () => all.disposeAsync(),
  };
}

/** Starts what gives tasks to workers, and the internal API that they call. */
async function startWork(core: Core, runner: Runner, instance: string, opened: Opened): Promise<Work> {
  const { config, pace, prices, keys, log, relay, counters, gate, logger } = core;
  const { private_hosts, data_dir, time_limit_ms } = config;
  const upstream = await openModel(core, opened);
  const llm = modelProxy({ log, logger, prices, upstream });
  opened.defer(() => llm.close());
  const { settings, repository, egress } = taskSettings({ db: log.db, keys, config });
  // Of another history of the database no worker may write into this one, where its attempt's number is used again.
  const tokens = new TaskTokens(keys.task, readMeta(log.db, 'history'));
  const assignment = (task_id: string, n: number) => {
    const issueToken = (id: string, attempt: number) => tokens.issue(id, attempt);
    return buildAssignment({ db: log.db, settings, issueToken, time_limit_ms, pace }, task_id, n);
  };
  // An attempt is ended by its worker's result, by its lease, or by the dispatcher; whoever ended it, all parts are told.
  const signals: Signals = {
    wake: () => dispatcher.wake(),
    control: (task_id) => dispatcher.control(task_id),
    ended: (task_id, n) => {
      internal.ended(task_id, n);
      dispatcher.ended(task_id, n);
    },
    removed: () => void removal.sweep(),
  };
  // A pace that is quicker than usual is so in all its parts.
  const silent_ms = Math.min(LIMITS.silent_ms, pace.heartbeat_ms * 2.5);
  const { leases, progress, begin, stop } = watchWorkers(
    { log, relay, signals, logger },
    { lease_ms: pace.lease_ms, silent_ms, time_limit_ms },
  );
  opened.defer(stop);
  const internal = new WorkerApi({
    log,
    relay,
    signals,
    tokens,
    leases,
    progress,
    assignment,
    llm,
    git: gitProxy({ repository, private_hosts, sample: sampleBackend(data_dir), logger }),
    tunnel: egressProxy({ policy: egress, private_hosts, logger }),
    onRefused: (code) => counters.refused.add({ code }),
    logger,
  });
  const folders = new WorkerDirectories(data_dir, runner.owner);
  const dispatcher = new Dispatcher({
    log,
    workers: new Workers({
      runner,
      folders,
      listen: (worker, path) => internal.listenOnSocket(path, worker),
      limits: { memory_bytes: config.worker_memory_bytes, cpus: config.worker_cpus, pids_max: config.worker_pids_max },
    }),
    gate,
    logger,
    places: config.workers,
    workspace_bytes_max: config.workspace_bytes_max,
    warm_workers: config.warm_workers,
    buildAssignment: assignment,
    onAttemptBegun: begin,
    onAttemptEnded: (task_id, n) => internal.ended(task_id, n),
  });
  const callback_url = await listenForWorkers(internal, config, opened);
  await core.disk.start();
  await dispatcher.start();
  opened.defer(() => dispatcher.stop());
  const removal = startRetention(core, folders, dispatcher, opened);
  return { runner, dispatcher, signals, callback_url };
}

/** Opens the port for workers that have no socket. Gives its address. */
async function listenForWorkers(internal: WorkerApi, config: Config, opened: Opened): Promise<string> {
  const [host, port] = [config.callback_host, config.callback_port];
  const callbacks = await internal.listenOnTcp(host, port).catch((error: unknown) => {
    throw listenFault(error, { host, port }, 'ERRAND_CALLBACK_HOST or ERRAND_CALLBACK_PORT');
  });
  opened.defer(() => callbacks.close());
  return addressOf(host, callbacks.port);
}

/** Claude, or without a key the demo model. */
async function openModel({ config }: Core, opened: Opened): Promise<Upstream> {
  const { anthropic_base_url: base_url, anthropic_api_key: api_key } = config;
  if (api_key !== undefined) return { base_url, api_key };
  const demo = await startDemoModel();
  opened.defer(() => demo.close());
  return { base_url: demo.base_url, api_key: DEMO_MODEL };
}

/** Opens the public port: the HTTP API and the sockets. Gives its address. */
async function servePeople(
  core: Core,
  work: Work,
  backups: BackupSchedule | undefined,
  opened: Opened,
): Promise<string> {
  const { config, demo, prices, keys, log, relay, gate, disk, logger } = core;
  const { db } = log;
  const auth = createAuth({ config, log, keys, signals: work.signals });
  const epoch = readMeta(db, 'epoch');
  const app = createApp({
    config,
    log,
    keys,
    auth,
    repositories: new ForgeCheck({ private_hosts: config.private_hosts }),
    epoch,
    signals: work.signals,
    models: (name) => prices.has(name),
    gate,
    readiness: () =>
      readReadiness({
        db,
        gate,
        disk,
        runner: work.runner.kind,
        model: demo ? 'the demo model' : config.model,
        backup: backups && (() => backups.check()),
      }),
    metrics: openMetrics(core, { runner: work.runner.kind, dispatcher: work.dispatcher, backups }, opened),
    logger,
    sockets: SOCKET_OPTIONS,
  });
  const sockets = serveSockets(app, {
    db,
    relay,
    epoch,
    authenticate: (bearer) => auth.authenticator.authenticate(bearer),
    redeemTicket: (ticket) => auth.authenticator.redeemTicket(ticket),
    onSessionEnded: (listener) => auth.sessions.onEnded(listener),
    logger,
  });
  const server = await listen(app, config.port, config.host).catch((error: unknown) => {
    throw listenFault(error, config, 'HOST or PORT');
  });
  opened.defer(() => server.close());
  opened.defer(() => sockets.close());
  return addressOf(config.host, server.port);
}
