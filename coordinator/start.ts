import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buildAssignment } from './assignment.ts';
import { createAuth } from './auth/auth.ts';
import { chooseRunner } from './choose-runner.ts';
import { ConfigError, type Config } from './config.ts';
import { startDemoModel } from './demo/demo-model.ts';
import { Dispatcher } from './dispatcher.ts';
import { createApp } from './http/app.ts';
import { serveSockets, SOCKET_OPTIONS } from './http/socket.ts';
import { InternalApi } from './internal/api.ts';
import { egressTunneller } from './internal/egress/tunnel.ts';
import { gitSurface } from './internal/git/git-surface.ts';
import { llmSurface } from './internal/llm/llm-surface.ts';
import { readKeys } from './keys.ts';
import { dataPathFault, Folders } from './links.ts';
import { listenFault } from './listen-fault.ts';
import { Log } from './log.ts';
import type { Logger } from './logger.ts';
import { watchLeases } from './lost-workers.ts';
import { DEMO_MODEL, demoPrices, readPrices } from './prices.ts';
import { readReadiness } from './readiness.ts';
import { Relay } from './relay.ts';
import type { Signals } from './signals.ts';
import { lockDataFolder } from './sqlite/data-lock.ts';
import { openDatabase, readMeta } from './sqlite/database.ts';
import { TaskTokens } from './task-token.ts';
import { taskSettings } from './task-settings.ts';
import { Workers } from './workers.ts';
import { LIMITS } from '../protocol/limits.ts';

/** A server that is up. */
export type Errand = {
  /** Where people reach it: `http://<host>:<port>`. */
  url: string;
  /** Where workers on other machines reach it. */
  callback_url: string;
  runner: 'docker' | 'process';
  /** Whether the demo model answers in place of Claude. */
  demo: boolean;
  /** Takes no new work, tells the clients, answers the callbacks under way, lets go. Workers with a task live on. */
  stop: () => Promise<void>;
};

type Options = { logger: Logger; say?: (line: string) => void };

/**
 * Puts the server together and starts it. Rejects with a `ConfigError`, in words for the server's owner, where the settings do not let it start; what
 * was opened by then is closed again.
 */
export async function start(settings: Config, { logger, say = () => undefined }: Options): Promise<Errand> {
  const closing: (() => Promise<void> | void)[] = [];
  const stop = async () => {
    for (const close of closing.splice(0).toReversed()) await close();
  };
  try {
    return await compose(settings, logger, say, closing, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function compose(
  settings: Config,
  logger: Logger,
  say: (line: string) => void,
  closing: (() => Promise<void> | void)[],
  stop: () => Promise<void>,
): Promise<Errand> {
  const pathFault = dataPathFault(settings.data_dir);
  if (pathFault !== null) throw new ConfigError(pathFault);
  const demo = settings.anthropic_api_key === undefined;
  const config = demo ? { ...settings, model: DEMO_MODEL } : settings;
  const prices = demo ? demoPrices() : readPrices(config.prices_file);
  if (!prices.has(config.model))
    throw new ConfigError(`ERRAND_MODEL '${config.model}' is not in the price table: add it with ERRAND_PRICES.`);

  mkdirSync(config.data_dir, { recursive: true, mode: 0o700 });
  const lock = lockDataFolder(config.data_dir);
  if (!lock)
    throw new ConfigError(
      `Another Errand is running on the data folder ${config.data_dir}. Stop it, or set ERRAND_DATA to another folder.`,
    );
  closing.push(() => lock.release());
  const keys = readKeys(config.data_dir);
  const db = openDatabase(join(config.data_dir, 'errand.db'));
  closing.push(() => void db.close());
  const instance = readMeta(db, 'instance');
  const relay = new Relay();
  const log = new Log(db, (rows) => relay.publish(rows));

  const upstream = demo ? await openDemoModel(closing) : claude(config);
  const llm = llmSurface({ log, logger, prices, upstream });
  closing.push(() => llm.close());
  const { settings: settingsOf, repository, egress } = taskSettings({ db, keys, config });
  const { private_hosts, data_dir } = config;
  const git = gitSurface({ repository, private_hosts, data_dir, logger });
  const tunnel = egressTunneller({ policy: egress, private_hosts, logger });

  const runner = await chooseRunner({ config, instance, workers_dir: join(data_dir, 'workers'), logger, say });
  closing.push(() => runner.close());
  const tokens = new TaskTokens(keys.task, instance);
  const buildFor = (task_id: string, n: number) =>
    buildAssignment(
      {
        db,
        settings: settingsOf,
        issueToken: (id, attempt) => tokens.issue(id, attempt),
        time_limit_ms: config.time_limit_ms,
      },
      task_id,
      n,
    );
  // An attempt may be ended by its worker's result, by its lease, or by the dispatcher; whoever ended it, all parts are told.
  const signals: Signals = {
    wake: () => dispatcher.wake(),
    control: (task_id) => dispatcher.control(task_id),
    ended: (task_id, n) => {
      internal.ended(task_id, n);
      dispatcher.ended(task_id, n);
    },
  };
  const leases = watchLeases({ log, signals, logger }, LIMITS.lease_ms);
  closing.push(() => leases.stop());
  const internal = new InternalApi({
    log,
    relay,
    signals,
    tokens,
    leases,
    assignment: buildFor,
    llm,
    git,
    tunnel,
    logger,
  });
  const workers = new Workers({
    runner,
    folders: new Folders(data_dir, runner.owner),
    listen: (worker, path) => internal.listenOnSocket(path, worker),
    limits: { memory_bytes: config.worker_memory_bytes, cpus: config.worker_cpus, pids_max: config.worker_pids_max },
  });
  const dispatcher = new Dispatcher({
    log,
    workers,
    logger,
    places: config.workers,
    warm_workers: config.warm_workers,
    buildAssignment: buildFor,
    onAttemptBegun: (task_id, n) => leases.touch(task_id, n),
    onAttemptEnded: (task_id, n) => internal.ended(task_id, n),
  });

  const callback_address = { host: config.callback_host, port: config.callback_port };
  const callbacks = await internal.listenOnTcp(callback_address.host, callback_address.port).catch((error: unknown) => {
    throw listenFault(error, callback_address, 'ERRAND_CALLBACK_HOST or ERRAND_CALLBACK_PORT');
  });
  closing.push(async () => {
    await internal.settled();
    await callbacks.close();
  });
  const auth = createAuth({ config, log, keys });
  const app = createApp({
    config,
    log,
    keys,
    auth,
    signals,
    models: (name) => prices.has(name),
    readiness: () =>
      readReadiness({
        db,
        data_dir,
        runnerFault: () => dispatcher.fault,
        runner: runner.kind,
        model: demo ? 'the demo model' : config.model,
      }),
    logger,
    sockets: SOCKET_OPTIONS,
  });
  const epoch = readMeta(db, 'epoch');
  const sockets = serveSockets(app, {
    db,
    relay,
    epoch,
    authenticate: (bearer) => auth.authenticate(bearer),
    redeemTicket: (ticket) => auth.redeemTicket(ticket),
    onSessionEnded: (listener) => auth.onSessionEnded(listener),
    logger,
  });
  await dispatcher.start();
  closing.push(() => dispatcher.stop());
  const server = app.listen(config.port, config.host);
  // The WebSocket server passes each error of the HTTP server on, and one that nobody listens to ends the process.
  app.ws.server?.on('error', () => undefined);
  await once(server, 'listening').catch((error: unknown) => {
    throw listenFault(error, config, 'HOST or PORT');
  });
  closing.push(async () => {
    await sockets.close();
    await close(server);
  });
  return {
    url: `http://${hostOf(config.host)}:${portOf(server)}`,
    callback_url: `http://${hostOf(config.callback_host)}:${callbacks.port}`,
    runner: runner.kind,
    demo,
    stop,
  };
}

async function openDemoModel(closing: (() => Promise<void> | void)[]): Promise<{ base_url: string; api_key: string }> {
  const model = await startDemoModel();
  closing.push(() => model.close());
  return { base_url: model.base_url, api_key: 'demo' };
}

function claude(config: Config): { base_url: string; api_key: string } {
  return { base_url: config.anthropic_base_url, api_key: config.anthropic_api_key ?? '' };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** As an address has it: an IPv6 address stands in brackets, and what means every address is reached on this machine. */
function hostOf(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

/** Answers what is under way, for a moment, and closes. */
async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), 2_000);
  await closed;
  clearTimeout(cut);
}
