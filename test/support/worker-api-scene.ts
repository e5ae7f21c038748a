import { join } from 'node:path';
import { pino } from 'pino';
import { ErrandError } from '../../protocol/problem.ts';
import { KeyRing } from '../../coordinator/base/key-ring.ts';
import { BrowserGuard } from '../../coordinator/base/browser-guard.ts';
import type { SocketLimits } from '../../coordinator/live/feed.ts';
import { DispatchGate } from '../../coordinator/tasks/dispatch-gate.ts';
import { AttachmentFiles } from '../../coordinator/tasks/attachment-files.ts';
import { attachmentProxy } from '../../coordinator/worker-api/attachment-proxy.ts';
import { WorkerApi, type WorkerApiDependencies } from '../../coordinator/worker-api/worker-api.ts';
import { EventLog } from '../../coordinator/sqlite/event-log.ts';
import { ThreadPool } from '../../coordinator/base/threads.ts';
import { Watchdogs, watchdogTimes, type WatchdogTimes } from '../../coordinator/workers/watchdogs.ts';
import { Relay } from '../../coordinator/live/relay.ts';
import { openTestDatabase } from './test-database.ts';
import { readMeta } from '../../coordinator/sqlite/meta.ts';
import { TaskTokens } from '../../coordinator/auth/task-tokens.ts';
import { EVENT_QUOTAS } from './event-quotas.ts';
import { startLiveSockets } from './start-live-sockets.ts';

export type WorkerApiOptions = {
  /** Holds the database. The same folder again is a restart of the same server. */
  folder: string;
  limits?: Partial<SocketLimits>;
  now?: () => number;
} & Partial<WatchdogTimes> &
  Partial<
    Pick<
      WorkerApiDependencies,
      'llm' | 'git' | 'egress' | 'assignment' | 'event_quotas' | 'redactorOf' | 'threads' | 'logger'
    >
  >;

export type WorkerApiScene = Awaited<ReturnType<typeof startWorkerApiScene>>;

/** Starts a coordinator's log, worker API, relay and sockets, without the rest. A user's id is its access token. */
export async function startWorkerApiScene(options: WorkerApiOptions) {
  const { folder, now = Date.now } = options;
  const logger = pino({ level: 'silent' });
  const db = openTestDatabase(join(folder, 'errand.db'));
  const log = new EventLog({ db, logger });
  const relay = new Relay(log, { fault: null });
  const keys = new KeyRing({ id: 'first', key: new Uint8Array(32).fill(7) });
  const tokens = new TaskTokens(keys, readMeta(db, 'history'), now);
  const ended: string[] = [];
  log.subscribe('attempt.ended', ({ task_id, attempt }) => ended.push(`${task_id}/${attempt}`));
  const times = watchdogTimes({ time_limit_ms: 60_000, ...options });
  const watch = new Watchdogs({ log, relay, gate: new DispatchGate(logger), logger, times });
  watch.start();
  const unavailable = () => Promise.reject(new ErrandError('unavailable', 'This scene has no proxies.'));
  const internal = new WorkerApi({
    log,
    relay,
    tokens,
    leases: watch.leases,
    progress: watch.progress,
    event_quotas: EVENT_QUOTAS,
    budget_bound: { member_budget_usd_max: 10 },
    browser_guard: new BrowserGuard([]),
    logger,
    threads: new ThreadPool(),
    redactorOf: () => undefined,
    onRefused: () => undefined,
    assignment: unavailable,
    llm: { forward: unavailable },
    git: { forward: unavailable },
    attachments: attachmentProxy(db, new AttachmentFiles(folder)),
    egress: { open: unavailable },
    ...options,
  });
  const callbacks = await internal.listenOnTcp('127.0.0.1', 0);

  const live = await startLiveSockets({ db, relay, logger, now, limits: options.limits });

  return {
    folder,
    log,
    relay,
    internal,
    tokens,
    leases: watch.leases,
    ended,
    callback_port: callbacks.port,
    sockets: live.sockets,
    refused: live.refused,
    socket_url: live.url,
    sentBytes: live.sentBytes,
    endSession: live.endSession,
    close: async () => {
      watch.stop();
      await live.close();
      await callbacks.close();
      db.close();
    },
  };
}
