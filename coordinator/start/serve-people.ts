import type { ErrorCode } from '../../protocol/problem.ts';
import { createAuth, type Auth } from '../auth/auth.ts';
import { BrowserGuard } from '../base/browser-guard.ts';
import { listenFault } from '../base/listen-error.ts';
import { addressesElsewhere, addressOf, listen } from '../base/listen.ts';
import { warnOfProxy } from '../base/untrusted-proxy.ts';
import { openIntake } from '../forge/intake/open-intake.ts';
import { createApp, requestListener } from '../http/app.ts';
import { LiveSockets } from '../live/live-sockets.ts';
import { openNotifications, type Notifications } from '../notifications/notifications.ts';
import type { BackupSchedule } from '../operations/backup/schedule.ts';
import { readReadiness } from '../operations/readiness.ts';
import { Scheduler } from '../schedules/scheduler.ts';
import { readMeta } from '../sqlite/meta.ts';
import { openWebApp } from '../web/build.ts';
import { ForgeCheck } from '../worker-api/git/repository-check.ts';
import type { Core, Opened } from './core.ts';
import type { Shared } from './open-forges.ts';
import type { Work } from './start-work.ts';
import { openMetrics, startLinkService, startStatus } from './upkeep.ts';

/** Where people reach the server. */
export type PublicAddresses = {
  /** From this machine: `http://<host>:<port>`. */
  url: string;
  /** From other devices, if it listens on all addresses of the machine and no proxy is before it. */
  elsewhere: string[];
};

/** Opens the public port: the HTTP API and the sockets. Gives its addresses. */
export async function servePeople(
  { core, forge_accounts }: Shared,
  work: Work,
  backups: BackupSchedule | undefined,
  opened: Opened,
): Promise<PublicAddresses> {
  const { config, prices, keys, log, relay, gate, logger } = core;
  const { private_hosts, proxy, host, trust_proxy } = config;
  const { db } = log;
  let port: number | undefined;
  const elsewhere = () => (port === undefined || trust_proxy ? [] : addressesElsewhere(host, port));
  const auth = createAuth({ config, log, keys, networkUrl: () => elsewhere()[0] });
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
  const people = { request: requestListener(app, logger), upgrade: sockets.upgrade };
  const handlers = warnOfProxy(people, trust_proxy, logger);
  const where = { host, port: config.port, behind_proxy: trust_proxy };
  const server = await listen(handlers, where).catch((error: unknown) => {
    throw listenFault(error, config, 'HOST or PORT');
  });
  opened.defer(() => server.close());
  sockets.start();
  opened.defer(() => sockets.stop());
  port = server.port;
  const url = addressOf(host, port);
  await startLinkService(core, { url, auth }, opened);
  return { url, elsewhere: elsewhere() };
}

/** What `GET /readyz` looks at. */
function partsOfReadiness({ config, demo, log, gate, disk }: Core, work: Work, backups: BackupSchedule | undefined) {
  return {
    db: log.db,
    gate,
    disk,
    runner: work.runner.name,
    start_fault: () => work.dispatcher.start_fault,
    isolation: () => work.dispatcher.isolation,
    images: () => work.images.outcome,
    trash: work.trash,
    model: demo ? 'the demo model' : config.model,
    backup: backups && (() => backups.check()),
  };
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
