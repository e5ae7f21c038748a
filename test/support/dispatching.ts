import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { pino } from 'pino';
import { KeyRing } from '../../coordinator/base/key-ring.ts';
import { BrowserGuard } from '../../coordinator/base/browser-guard.ts';
import { TaskTokens } from '../../coordinator/auth/task-tokens.ts';
import { newTask, type TaskRow } from '../../coordinator/domain/task.ts';
import { Relay } from '../../coordinator/live/relay.ts';
import type { Logger } from '../../coordinator/base/logger.ts';
import { ThreadPool } from '../../coordinator/base/threads.ts';
import { findAttemptState, listAttempts } from '../../coordinator/sqlite/attempts.ts';
import { sql, type Db } from '../../coordinator/sqlite/database.ts';
import { openTestDatabase } from './test-database.ts';
import { readMeta } from '../../coordinator/sqlite/meta.ts';
import { EventLog } from '../../coordinator/sqlite/event-log.ts';
import { findTask, insertTask } from '../../coordinator/sqlite/tasks.ts';
import { insertUser } from '../../coordinator/sqlite/users.ts';
import { buildAssignment } from '../../coordinator/tasks/assignment.ts';
import { DispatchGate } from '../../coordinator/tasks/dispatch-gate.ts';
import { addMessage, cancelTask } from '../../coordinator/tasks/task-commands.ts';
import { WorkerApi, type WorkerApiDependencies } from '../../coordinator/worker-api/worker-api.ts';
import { Dispatcher } from '../../coordinator/workers/dispatcher.ts';
import type { Launcher } from '../../coordinator/workers/local/launcher.ts';
import { LocalRunner } from '../../coordinator/workers/local/local-runner.ts';
import { WorkerDirectories } from '../../coordinator/workers/local/worker-directories.ts';
import { ProcessLauncher } from '../../coordinator/workers/process/launcher.ts';
import type { Runner, WorkerListeners } from '../../coordinator/workers/runner.ts';
import { Watchdogs, watchdogTimes, type WatchdogTimes } from '../../coordinator/workers/watchdogs.ts';
import { Workers } from '../../coordinator/workers/workers.ts';
import { Workspaces } from '../../coordinator/workers/workspaces.ts';
import { newId } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { TaskStatus } from '../../protocol/task.ts';
import { EVENT_QUOTAS } from './event-quotas.ts';
import { temporaryFolder } from './folder.ts';
import { until } from './until.ts';
export const TINY_WORKER = join(import.meta.dirname, './tiny-worker.ts');

/** Adds a user; returns its id. */
export function addUser(db: Db): string {
  const id = newId();
  insertUser(db, { id, email: `${id}@example.org`, password_hash: '', role: 'member', created_at: time() });
  return id;
}

/** Adds a queued task of this user. */
export function addTask(db: Db, user_id: string, fields: Partial<TaskRow> = {}): TaskRow {
  const defaults = { user_id, project_id: null, base_branch: null, budget_usd: 1, max_turns: 10, priority: 0 };
  const task: TaskRow = {
    ...newTask(
      { ...defaults, repo_url: 'https://forge.example/owner/name', prompt: 'finish', model: 'claude-sonnet-5-5' },
      time(),
    ),
    ...fields,
  };
  insertTask(db, task);
  if (task.workspace !== null) sql(db, 'UPDATE tasks SET workspace = ? WHERE id = ?').run(task.workspace, task.id);
  return task;
}

export const time = (offset_ms = 0): string => new Date(Date.now() + offset_ms).toISOString();

export type Server = {
  db: Db;
  log: EventLog;
  workspaces: Workspaces;
  directories: WorkerDirectories;
  launcher: Launcher;
  runner: Runner;
  dispatcher: Dispatcher;
  gate: DispatchGate;
  /** The attempts that ended without a result from their worker, as `task/n`. */
  ended: string[];
  task: (id: string) => TaskRow;
  attempts: (id: string) => ReturnType<typeof listAttempts>;
  /** Adds a task of a new user, and waits until its worker has called. One that ends at once may be missed. */
  runTask: (prompt: string) => Promise<TaskRow>;
  /** Sends a message as the user does; returns its id. */
  say: (id: string, text: string) => string;
  /** Cancels as the user does. */
  cancel: (id: string) => void;
  /** Waits until the task has this status. */
  reaches: (id: string, status: TaskStatus, within_ms?: number) => Promise<TaskRow>;
  /** Stops as a server stops: workers with a task keep running. */
  stop: () => Promise<void>;
};

export type ServerOptions = {
  data_dir?: string;
  workers_max?: number;
  park_after_ms?: number;
  warm_workers?: number;
  /** How workers misbehave when they start (TINY_WORKER). */
  boot?: string;
  launcher?: (workers_dir: string, db: Db) => Launcher;
  /** The image for workers in containers. */
  image?: string;
  /** Further images, by their names. */
  images?: ReadonlyMap<string, string>;
  memory_bytes?: number;
  workspace_bytes_max?: number;
  /** Thrown when an assignment is built. */
  assignment_error?: Error;
} & Partial<WatchdogTimes>;

/** A dispatcher with a database, the worker API without its proxies, and real workers. Stops with the test. */
export async function startServer(t: ExecutionContext, options: ServerOptions = {}): Promise<Server> {
  const data_dir = options.data_dir ?? (await temporaryFolder(t));
  const db = openTestDatabase(join(data_dir, 'errand.db'));
  const logger = pino({ level: process.env.TEST_LOG ?? 'silent' });
  const log = new EventLog({ db, logger });
  const relay = new Relay(log, { fault: null });
  const workers_dir = join(data_dir, 'workers');
  const env = { PATH: process.env.PATH ?? '', TINY_WORKER: options.boot ?? '' };
  const launcher =
    options.launcher?.(workers_dir, db) ?? new ProcessLauncher({ workers_dir, program: { entry: TINY_WORKER }, env });
  const gate = new DispatchGate(logger);
  const ended: string[] = [];
  log.subscribe('attempt.ended', ({ task_id, attempt }) => {
    if (findAttemptState(db, task_id, attempt)?.result_at === null) ended.push(`${task_id}/${attempt}`);
  });
  const tokens = new TaskTokens(new KeyRing({ id: 'first', key: new Uint8Array(32) }), readMeta(db, 'history'));
  const times = watchdogTimes({ time_limit_ms: 60_000, ...options });
  const watchdogs = new Watchdogs({ log, relay, gate, logger, times });
  watchdogs.start();
  const workspaces = new Workspaces(data_dir);
  const directories = new WorkerDirectories(data_dir, launcher.owner);
  const listeners = listenersOf({ log, relay, tokens, leases: watchdogs.leases, progress: watchdogs.progress, logger });
  const runner = new LocalRunner({ launcher, directories, workspaces, listeners });
  const dispatcher = createDispatcher({ log, runner, workspaces, gate, logger, tokens, options });
  let stopped: Promise<void> | undefined;
  const stop = () => {
    watchdogs.stop();
    return (stopped ??= dispatcher.stop());
  };
  t.teardown(async () => {
    await stop();
    for (const name of await launcher.list()) await launcher.remove(name);
    await launcher.close();
    db.close();
  });
  await dispatcher.start();
  const actions = userActions(log);
  const runTask = (prompt: string) => {
    const { id } = addTask(db, addUser(db), { prompt });
    dispatcher.wake();
    return actions.reaches(id, 'running');
  };
  return {
    db,
    log,
    workspaces,
    directories,
    launcher,
    runner,
    dispatcher,
    gate,
    ended,
    ...actions,
    runTask,
    stop,
  };
}

type WorkerApiParts = Pick<WorkerApiDependencies, 'log' | 'relay' | 'tokens' | 'leases' | 'progress' | 'logger'>;

/** The listeners of a worker API without proxies. */
function listenersOf(parts: WorkerApiParts): WorkerListeners {
  const refuse = () => Promise.reject(new ErrandError('unavailable', 'This server has no proxies.'));
  const forwards = { llm: { forward: refuse }, git: { forward: refuse }, attachments: { forward: refuse } };
  const proxies = { ...forwards, egress: { open: refuse } };
  const more = {
    event_quotas: EVENT_QUOTAS,
    budget_bound: { member_budget_usd_max: 10 },
    browser_guard: new BrowserGuard([]),
    threads: new ThreadPool(),
    assignment: refuse,
    redactorOf: () => undefined,
    onRefused: () => undefined,
  };
  const api = new WorkerApi({ ...parts, ...proxies, ...more });
  return { listenOnSocket: (path, worker) => api.listenOnSocket(path, worker), listenOnTcp: refuse };
}

type DispatcherParts = {
  log: EventLog;
  runner: Runner;
  workspaces: Workspaces;
  gate: DispatchGate;
  logger: Logger;
  tokens: TaskTokens;
  options: ServerOptions;
};

function createDispatcher({ log, runner, workspaces, gate, logger, tokens, options }: DispatcherParts): Dispatcher {
  const settings = () => {
    if (options.assignment_error) throw options.assignment_error;
    return {
      env: {},
      egress: 'none' as const,
      author: { name: 'Errand', email: 'errand@example.org' },
    };
  };
  const issueToken = (task_id: string, n: number) => tokens.issue(task_id, n);
  const { park_after_ms = 60_000 } = options;
  const threads = new ThreadPool();
  const limits = { memory_bytes: options.memory_bytes ?? 256 * 1024 * 1024, cpus: 1, pids_max: 64 };
  return new Dispatcher({
    log,
    workers: new Workers({ runner, image: options.image ?? 'none', images: options.images ?? new Map(), limits }),
    workspaces,
    gate,
    logger,
    workers_max: options.workers_max ?? 2,
    warm_workers: options.warm_workers ?? 0,
    workspace_bytes_max: options.workspace_bytes_max ?? 1024 ** 3,
    heartbeat_ms: LIMITS.heartbeat_ms,
    redact: (_, text) => text,
    buildAssignment: async (id, n) => {
      const deps = { db: log.db, settings, issueToken, time_limit_ms: 60_000, park_after_ms, pace: LIMITS, threads };
      return (await buildAssignment(deps, id, n)).json;
    },
    grant: async (task_id, n) => ({ task_id, token: await issueToken(task_id, n) }),
    threads,
  });
}

/** Reads tasks, and acts on them as their user does. */
function userActions(log: EventLog): Pick<Server, 'task' | 'attempts' | 'say' | 'cancel' | 'reaches'> {
  const task = (id: string) => {
    const row = findTask(log.db, id);
    if (!row) throw new Error(`There is no task ${id}.`);
    return row;
  };
  return {
    task,
    attempts: (id) => listAttempts(log.db, id),
    say: (task_id, text) => log.write((tx) => addMessage(tx, task(task_id).user_id, task_id, { text }).message_id),
    cancel: (id) => void log.write((tx) => cancelTask(tx, task(id).user_id, id)),
    reaches: (id, status, within_ms) =>
      until(`the task is ${status}`, () => (task(id).status === status ? task(id) : undefined), within_ms),
  };
}
