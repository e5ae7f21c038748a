import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { pino } from 'pino';
import { LIMITS } from '../../protocol/limits.ts';
import { newId } from '../../protocol/ids.ts';
import type { TaskStatus } from '../../protocol/task.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { advance } from '../../coordinator/tasks/advance.ts';
import { buildAssignment } from '../../coordinator/tasks/assignment.ts';
import { Dispatcher } from '../../coordinator/workers/dispatcher.ts';
import { DispatchGate } from '../../coordinator/tasks/dispatch-gate.ts';
import { WorkerDirectories } from '../../coordinator/workers/worker-directories.ts';
import type { LeaseTimes } from '../../coordinator/workers/leases.ts';
import { WorkerApi } from '../../coordinator/worker-api/worker-api.ts';
import { EventLog } from '../../coordinator/sqlite/event-log.ts';
import { watchWorkers } from '../../coordinator/workers/watchdogs.ts';
import { ProcessRunner } from '../../coordinator/workers/process/runner.ts';
import { Relay } from '../../coordinator/live/relay.ts';
import type { Runner } from '../../coordinator/workers/runner.ts';
import { listAttempts } from '../../coordinator/sqlite/attempts.ts';
import { openDatabase, readMeta, sql, type Db } from '../../coordinator/sqlite/database.ts';
import { insertMessage } from '../../coordinator/sqlite/messages.ts';
import { findTask, insertTask } from '../../coordinator/sqlite/tasks.ts';
import { insertUser } from '../../coordinator/sqlite/users.ts';
import type { Signals } from '../../coordinator/tasks/signals.ts';
import type { StallTimes } from '../../coordinator/workers/progress-watch.ts';
import { newTask, type TaskRow } from '../../coordinator/domain/task.ts';
import { TaskTokens } from '../../coordinator/auth/task-tokens.ts';
import { Workers } from '../../coordinator/workers/workers.ts';
import { temporaryFolder } from './folder.ts';
import { until } from './until.ts';

export const TINY_WORKER = join(import.meta.dirname, './tiny-worker.ts');

/** Adds a user and gives its id. */
export function addUser(db: Db): string {
  const id = newId();
  insertUser(db, { id, email: `${id}@example.org`, password_hash: '', role: 'member', created_at: time() });
  return id;
}

/** Adds a queued task of this user. */
export function addTask(db: Db, user_id: string, fields: Partial<TaskRow> = {}): TaskRow {
  const asked = { user_id, project_id: null, base_branch: null, budget_usd: 1, max_turns: 10, priority: 0 };
  const task: TaskRow = {
    ...newTask(
      { ...asked, repo_url: 'https://forge.example/owner/name', prompt: 'finish', model: 'claude-sonnet-5-5' },
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
  folders: WorkerDirectories;
  runner: Runner;
  dispatcher: Dispatcher;
  gate: DispatchGate;
  /** Attempts that the dispatcher said it had ended, as `task/n`. */
  ended: string[];
  task: (id: string) => TaskRow;
  attempts: (id: string) => ReturnType<typeof listAttempts>;
  /** Says something as a person does, and gives the message's id. */
  say: (id: string, text: string) => string;
  /** Cancels as a person does. */
  cancel: (id: string) => void;
  /** Waits until the task stands so. */
  reaches: (id: string, status: TaskStatus, within_ms?: number) => Promise<TaskRow>;
  /** Stops it as a server stops: workers with a task live on. */
  stop: () => Promise<void>;
};

export type ServerOptions = {
  data_dir?: string;
  places?: number;
  warm_workers?: number;
  /** How workers misbehave at their boot. */
  boot?: string;
  runner?: (folders: WorkerDirectories, db: Db) => Runner;
  memory_bytes?: number;
  workspace_bytes_max?: number;
} & Partial<LeaseTimes & StallTimes>;

/** A dispatcher with a database, the internal API without what it carries on, and workers that are real. All of it goes with the test. */
export async function startServer(t: ExecutionContext, options: ServerOptions = {}): Promise<Server> {
  const data_dir = options.data_dir ?? (await temporaryFolder(t));
  const db = openDatabase(join(data_dir, 'errand.db'));
  const relay = new Relay();
  const log = new EventLog(db, (rows) => relay.publish(rows));
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const env = { PATH: process.env.PATH ?? '', TINY_WORKER: options.boot ?? '' };
  const runner =
    options.runner?.(new WorkerDirectories(data_dir, owner), db) ??
    new ProcessRunner({ workers_dir: join(data_dir, 'workers'), entry: TINY_WORKER, env });
  const folders = new WorkerDirectories(data_dir, runner.owner);
  const logger = pino({ level: process.env.TEST_LOG ?? 'silent' });
  const gate = new DispatchGate(logger);
  const ended: string[] = [];
  const tokens = new TaskTokens(new Uint8Array(32), readMeta(db, 'instance'));
  const signals: Signals = {
    wake: () => dispatcher.wake(),
    control: (task_id) => dispatcher.control(task_id),
    removed: () => {},
    ended: (task_id, n) => {
      internal.ended(task_id, n);
      dispatcher.ended(task_id, n);
    },
  };
  const watch = watchWorkers({ log, relay, signals, logger }, { time_limit_ms: 60_000, ...options });
  const notCarried = () => Promise.reject(new ErrandError('unavailable', 'Nothing is carried here.'));
  const internal = new WorkerApi({
    log,
    relay,
    signals,
    tokens,
    leases: watch.leases,
    progress: watch.progress,
    logger,
    assignment: notCarried,
    llm: { carry: notCarried },
    git: { carry: notCarried },
    tunnel: notCarried,
  });
  const workers = new Workers({
    runner,
    folders,
    listen: (worker, path) => internal.listenOnSocket(path, worker),
    limits: { memory_bytes: options.memory_bytes ?? 256 * 1024 * 1024, cpus: 1, pids_max: 64 },
  });
  const settings = () => ({
    setup_command: null,
    verify_command: null,
    env: {},
    egress: 'none' as const,
    author: { name: 'Errand', email: 'errand@example.org' },
  });
  const issueToken = (task_id: string, n: number) => tokens.issue(task_id, n);
  const dispatcher: Dispatcher = new Dispatcher({
    log,
    workers,
    gate,
    logger,
    places: options.places ?? 2,
    warm_workers: options.warm_workers ?? 0,
    workspace_bytes_max: options.workspace_bytes_max ?? 1024 ** 3,
    buildAssignment: (id, n) =>
      buildAssignment({ db, settings, issueToken, time_limit_ms: 60_000, pace: LIMITS }, id, n),
    onAttemptBegun: watch.begin,
    onAttemptEnded: (task_id, n) => {
      internal.ended(task_id, n);
      ended.push(`${task_id}/${n}`);
    },
  });
  let stopped: Promise<void> | undefined;
  const stop = () => {
    watch.stop();
    return (stopped ??= dispatcher.stop());
  };
  t.teardown(async () => {
    await stop();
    for (const name of await runner.list()) await runner.remove(name);
    await runner.close();
    db.close();
  });
  const task = (id: string) => {
    const row = findTask(db, id);
    if (!row) throw new Error(`There is no task ${id}.`);
    return row;
  };
  await dispatcher.start();
  return {
    db,
    log,
    folders,
    runner,
    dispatcher,
    gate,
    ended,
    task,
    attempts: (id) => listAttempts(db, id),
    say: (task_id, text) => {
      const id = newId();
      insertMessage(db, { id, task_id, text, created_at: time() });
      dispatcher.control(task_id);
      return id;
    },
    cancel: (id) => {
      log.write((tx) => advance(tx, task(id), { type: 'cancel', reason: 'no more', at: time() }));
      dispatcher.control(id);
    },
    reaches: (id, status, within_ms) =>
      until(`the task is ${status}`, () => (task(id).status === status ? task(id) : undefined), within_ms),
    stop,
  };
}
