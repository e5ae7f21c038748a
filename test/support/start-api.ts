import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createAuth, type Auth } from '../../coordinator/auth/auth.ts';
import { setupCode } from '../../coordinator/auth/setup-code.ts';
import { Passwords } from '../../coordinator/auth/passwords.ts';
import { BrowserGuard } from '../../coordinator/base/browser-guard.ts';
import { readConfig } from '../../coordinator/base/config.ts';
import type { PublicHandlers } from '../../coordinator/base/listen.ts';
import { warnOfProxy } from '../../coordinator/base/untrusted-proxy.ts';
import type { RepositoryCheck } from '../../coordinator/domain/forge-repository.ts';
import { createApp, requestListener } from '../../coordinator/http/app.ts';
import type { WebApp } from '../../coordinator/http/web-app.ts';
import { ForgeAccounts } from '../../coordinator/forge/accounts/forge-accounts.ts';
import type { Intake } from '../../coordinator/forge/intake/intake.ts';
import { openIntake } from '../../coordinator/forge/intake/open-intake.ts';
import { openNotifications, type Notifications } from '../../coordinator/notifications/notifications.ts';
import { LiveSockets } from '../../coordinator/live/live-sockets.ts';
import { readKeys, type Keys } from '../../coordinator/base/keys.ts';
import { EventLog } from '../../coordinator/sqlite/event-log.ts';
import { createLogger } from '../../coordinator/base/logger.ts';
import { Relay } from '../../coordinator/live/relay.ts';
import type { Db } from '../../coordinator/sqlite/database.ts';
import { openTestDatabase } from './test-database.ts';
import { ServerStatus } from '../../coordinator/operations/server-status.ts';
import { readMeta } from '../../coordinator/sqlite/meta.ts';
import type { EventRow } from '../../coordinator/sqlite/events.ts';
import type { Session } from '../../protocol/accounts.ts';
import type { Readiness } from '../../protocol/server-info.ts';
import { Api } from './api.ts';
import { memoryFolder, type Ends } from './folder.ts';
import { NO_APP } from './no-app.ts';
import { PATIENT } from './patient-server.ts';
import { ThreadPool } from '../../coordinator/base/threads.ts';

export type StartedApi = {
  url: string;
  data_dir: string;
  http: HttpServer;
  db: Db;
  log: EventLog;
  keys: Keys;
  auth: Auth;
  notifications: Notifications;
  forge_accounts: ForgeAccounts;
  intake: Intake;
  /** Creates an `Auth` with another password hasher. */
  authWith: (passwords: Passwords) => Auth;
  relay: Relay;
  /** The notifications of the log's subscribers, such as `task.created <task id>` and `removed`. */
  told: string[];
  /** The published events. */
  rows: EventRow[];
  /** The lines of the server's log. */
  lines: string[];
  /** Set it to move the clock of sessions ahead, in milliseconds. */
  clock: { ahead_ms: number };
  readiness: Readiness;
  /** Set it to hold dispatch. */
  runner: { fault: string | null };
  /** Set it to let only urgent writes go on. */
  disk: { full: boolean };
  /** Set it to simulate another database. */
  epoch: { now: string };
  /** What the first account needs. */
  setup_code: string;
  /** Creates an account and a client for it. */
  person: (email?: string) => Promise<{ api: Api; session: Session; password: string }>;
};

const WORKERS = () => ({ warm: 1, at_work: 0 });
export const PASSWORD = 'correct horse battery';

/**
 * Starts the public API and its sockets on a free port, without workers, until the test ends. By default every
 * repository check succeeds.
 */
export async function startApi(
  t: Ends,
  env: Record<string, string> = {},
  models?: (name: string) => boolean,
  repositories: RepositoryCheck = { check: () => Promise.resolve([]), checkHost: () => Promise.resolve() },
  web: WebApp = NO_APP,
): Promise<StartedApi> {
  const data_dir = await memoryFolder(t);
  const config = readConfig({ ERRAND_DATA: data_dir, ERRAND_SIGNUP: 'open', ...env });
  const db = openTestDatabase(join(data_dir, 'errand.db'));
  const keys = readKeys(data_dir);
  const [told, rows, lines]: [string[], EventRow[], string[]] = [[], [], []];
  const [clock, disk] = [{ ahead_ms: 0 }, { full: false }];
  const logger = createLogger('debug', { write: (line) => lines.push(line) });
  const log = new EventLog({ db, logger, room: { isLow: () => disk.full } });
  const relay = new Relay(log, { fault: null });
  record(log, rows, told);
  const now = () => Date.now() + clock.ahead_ms;
  const shared = { log, keys, config, logger, now };
  const authWith = (passwords: Passwords) => createAuth({ ...shared, passwords });
  const auth = authWith(new Passwords(4));
  const mutable = { clock, disk, ...mutableParts(db) };
  const notifications = startNotifications(t, shared);
  const own = { log, keys, auth, notifications, ...openForges(t, shared, models) };
  const parts = { ...own, config, repositories, models, web, logger };
  const app = createApp({
    onRefused: () => undefined,
    ...parts,
    get epoch() {
      return mutable.epoch.now;
    },
    gate: mutable.runner,
    feed: relay.light,
    offer: { models: [config.model], demo: false },
    readiness: () => Promise.resolve(mutable.readiness),
    status: new ServerStatus({ db, config, gate: mutable.runner, workers: WORKERS, backup: undefined, logger, now }),
    metrics: () => Promise.resolve('errand_tests 1\n'),
  });
  const sockets = new LiveSockets({
    onRefused: () => undefined,
    db,
    relay,
    get epoch() {
      return mutable.epoch.now;
    },
    authenticate: (bearer) => auth.authenticator.authenticate(bearer),
    redeemTicket: (ticket) => auth.authenticator.redeemTicket(ticket),
    onSessionEnded: (listener) => auth.sessions.onEnded(listener),
    lives: (who) => auth.authenticator.lives(who),
    browser_guard: new BrowserGuard(config.hosts, config.cors_origins),
    limits: { socket_log_in_check_ms: 200 },
    logger,
  });
  const handlers = { request: requestListener(app, logger), upgrade: sockets.upgrade };
  const http = await serve(t, warnOfProxy(handlers, config.trust_proxy, logger), sockets, db);
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const setup_code = setupCode(keys, readMeta(db, 'instance'));
  const made = { data_dir, url, http, db, ...own, authWith, relay, told, rows, lines, ...mutable, setup_code };
  return { ...made, person: signUps(auth, url, setup_code) };
}

function openForges(
  t: Ends,
  parts: Omit<ConstructorParameters<typeof ForgeAccounts>[0], 'threads'>,
  models: ((name: string) => boolean) | undefined,
): { forge_accounts: ForgeAccounts; intake: Intake } {
  const threads = new ThreadPool();
  t.teardown(() => threads.close());
  const forge_accounts = new ForgeAccounts({ ...parts, threads });
  const intake = openIntake({ ...parts, models, threads }, forge_accounts);
  for (const part of [forge_accounts, intake]) {
    part.start();
    t.teardown(() => part.stop());
  }
  return { forge_accounts, intake };
}

/** Failures are retried soon. */
function startNotifications(t: Ends, parts: Omit<Parameters<typeof openNotifications>[0], 'times'>): Notifications {
  const notifications = openNotifications({ ...parts, times: { first_ms: 50, max_ms: 60_000 } });
  notifications.start();
  t.teardown(() => notifications.stop());
  return notifications;
}

/** What a test may set. */
function mutableParts(db: Db): Pick<StartedApi, 'readiness' | 'runner' | 'epoch'> {
  return { readiness: { ready: true, checks: {} }, runner: { fault: null }, epoch: { now: readMeta(db, 'epoch') } };
}

/** Keeps what the log tells its subscribers. */
function record(log: EventLog, rows: EventRow[], told: string[]): void {
  log.subscribeToAll((added) => {
    rows.push(...added);
    told.push(...added.map(({ type, task_id }) => `${type} ${task_id}`));
  });
  log.subscribeToNotice('removed', () => told.push('removed'));
}

/** Serves the API and its sockets on a free port, until the test ends. */
async function serve(t: Ends, handlers: PublicHandlers, sockets: LiveSockets, db: Db): Promise<HttpServer> {
  sockets.start();
  const http = createServer(PATIENT, handlers.request);
  http.on('upgrade', handlers.upgrade);
  await once(http.listen(0, '127.0.0.1'), 'listening');
  t.teardown(async () => {
    await sockets.stop();
    http.closeAllConnections();
    http.close();
    await once(http, 'close');
    db.close();
  });
  return http;
}

function signUps(auth: Auth, url: string, setup_code: string): StartedApi['person'] {
  let people = 0;
  return async (email = `person${people + 1}@example.org`) => {
    people++;
    // Each from another address: sign-ups are rate-limited by address.
    const client = { address: `10.0.0.${people}`, user_agent: null };
    const session = await auth.logins.signup({ email, password: PASSWORD, setup_code }, client);
    return { api: new Api(url, session.access_token), session, password: PASSWORD };
  };
}
