import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { createAuth, type Auth } from '../../coordinator/auth/auth.ts';
import { Passwords } from '../../coordinator/auth/passwords.ts';
import { readConfig } from '../../coordinator/base/config.ts';
import type { RepositoryCheck } from '../../coordinator/domain/forge-repository.ts';
import { createApp, requestListener } from '../../coordinator/http/app.ts';
import { LiveSockets, type LiveSocketsDependencies } from '../../coordinator/live/live-sockets.ts';
import { readKeys, type Keys } from '../../coordinator/base/keys.ts';
import { EventLog } from '../../coordinator/sqlite/event-log.ts';
import { createLogger } from '../../coordinator/base/logger.ts';
import { Relay } from '../../coordinator/live/relay.ts';
import { openDatabase, type Db } from '../../coordinator/sqlite/database.ts';
import { readMeta } from '../../coordinator/sqlite/meta.ts';
import type { EventRow } from '../../coordinator/sqlite/events.ts';
import type { Session } from '../../protocol/accounts.ts';
import type { Readiness } from '../../protocol/api.ts';
import { Api } from './api.ts';
import { temporaryFolder } from './folder.ts';

export type StartedApi = {
  url: string;
  http: HttpServer;
  db: Db;
  log: EventLog;
  keys: Keys;
  auth: Auth;
  /** The same with other passwords behind it. */
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
  /** Set it to simulate another database. */
  epoch: { now: string };
  /** Creates an account and a client for it. */
  person: (email?: string) => Promise<{ api: Api; session: Session; password: string }>;
};

export const PASSWORD = 'correct horse battery';

/**
 * The public API and its sockets, on a port of their own, with everything behind them but the workers. It ends with the
 * test. No repository is asked by default.
 */
export async function startApi(
  t: ExecutionContext,
  env: Record<string, string> = {},
  models?: (name: string) => boolean,
  repositories: RepositoryCheck = { check: () => Promise.resolve([]), checkHost: () => Promise.resolve() },
): Promise<StartedApi> {
  const data_dir = await temporaryFolder(t);
  const config = readConfig({ ERRAND_DATA: data_dir, ERRAND_SIGNUP: 'open', ...env });
  const db = openDatabase(join(data_dir, 'errand.db'));
  const keys = readKeys(data_dir);
  const lines: string[] = [];
  const logger = createLogger('debug', { write: (line) => lines.push(line) });
  const log = new EventLog({ db, logger });
  const { told, rows } = record(log);
  const relay = new Relay(log);
  const clock = { ahead_ms: 0 };
  const now = (): number => Date.now() + clock.ahead_ms;
  const authWith = (passwords: Passwords) => createAuth({ config, log, keys, now, passwords });
  const auth = authWith(new Passwords(4));
  const readiness: Readiness = { ready: true, checks: {} };
  const runner: StartedApi['runner'] = { fault: null };
  const epoch = { now: readMeta(db, 'epoch') };
  const app = createApp({
    config,
    log,
    keys,
    auth,
    repositories,
    get epoch() {
      return epoch.now;
    },
    models,
    gate: runner,
    readiness: () => Promise.resolve(readiness),
    metrics: () => Promise.resolve('errand_tests 1\n'),
    logger,
  });
  const sockets = liveSockets({ db, relay, logger }, auth, epoch);
  const http = await listen(t, createServer(requestListener(app, logger)), sockets, db);
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const person = personMaker(url, auth);
  return {
    url,
    http,
    db,
    log,
    keys,
    auth,
    authWith,
    relay,
    told,
    rows,
    lines,
    clock,
    readiness,
    runner,
    epoch,
    person,
  };
}

function liveSockets(
  parts: Pick<LiveSocketsDependencies, 'db' | 'relay' | 'logger'>,
  { authenticator, sessions }: Auth,
  epoch: StartedApi['epoch'],
): LiveSockets {
  return new LiveSockets({
    ...parts,
    get epoch() {
      return epoch.now;
    },
    authenticate: (bearer) => authenticator.authenticate(bearer),
    redeemTicket: (ticket) => authenticator.redeemTicket(ticket),
    onSessionEnded: (listener) => sessions.onEnded(listener),
  });
}

/** Records what the log publishes. */
function record(log: EventLog): Pick<StartedApi, 'told' | 'rows'> {
  const told: string[] = [];
  const rows: EventRow[] = [];
  log.subscribeToAll((added) => {
    rows.push(...added);
    told.push(...added.map(({ type, task_id }) => `${type} ${task_id}`));
  });
  log.subscribeToNotice('removed', () => told.push('removed'));
  return { told, rows };
}

/** Listens until the test ends, and then closes the database too. */
async function listen(t: ExecutionContext, http: HttpServer, sockets: LiveSockets, db: Db): Promise<HttpServer> {
  sockets.start();
  http.on('upgrade', sockets.upgrade);
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

function personMaker(url: string, auth: Auth): StartedApi['person'] {
  let people = 0;
  return async (email = `person${people + 1}@example.org`) => {
    people++;
    // Each from another address: sign-ups are rate-limited by address.
    const client = { address: `10.0.0.${people}`, user_agent: null };
    const session = await auth.logins.signup({ email, password: PASSWORD }, client);
    return { api: new Api(url, session.access_token), session, password: PASSWORD };
  };
}
