import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual, promisify } from 'node:util';
import type { LogEvent, NumberedEvent } from '../../protocol/events.ts';
import type { TaskDetail } from '../../protocol/task.ts';
import type { Db } from '../../coordinator/sqlite/database.ts';
import { openDatabase } from '../../coordinator/sqlite/open-database.ts';
import { readMeta } from '../../coordinator/sqlite/meta.ts';
import { FORGE, workersIn } from '../support/errand.ts';
import { tryGit } from '../support/git-server.ts';
import { childrenOf } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { durableViolations } from './durable.ts';
import type { MessagesRequest } from '../support/model/server.ts';
import type { Scene } from './scene.ts';
import { countedIn, isAbout, promptFor, TRACE } from './story.ts';
import { WITNESS } from './witness.ts';

/** Events about a worker's process: the next attempt does not report them for the previous one. */
const PROCESS_EVENTS =
  /^(agent\.started|step\.started|repository\.ready|turn\.started|turn\.retried|question\.|limit\.near|log$)/;
const REMOVED_MS = 60_000;

/** Waits until all errands have ended, checks the invariants and stops the coordinator. Returns the violations. */
export async function violations(scene: Scene, expected: TaskDetail['status'][]): Promise<string[]> {
  const found: string[] = [];
  const wrong = (what: string) => void found.push(what);
  const tasks = await scene.ended();
  const logs = await Promise.all(tasks.map(({ id }) => scene.insist(() => scene.log(id))));
  await checkClients(scene, logs, wrong);
  scene.witness?.stop();
  for (const [i, task] of tasks.entries()) {
    const log = logs[i] ?? [];
    if (!expected.includes(task.status)) wrong(`${task.id} ${task.status}: ${task.reason} ${task.detail}`);
    checkOrder(task, log, wrong);
    checkAgainstSpools(scene, task, log, wrong);
    checkAttempts(task, log, wrong);
    checkModelRequests(scene, task, log, wrong);
    await checkCommands(scene, task, log, wrong);
  }
  await checkDurableSubscriber(scene, logs, wrong);
  await checkNothingLeft(scene, wrong);
  return found;
}

type Wrong = (what: string) => void;

/** Clients that followed the whole time have every event once, in order. */
async function checkClients(scene: Scene, logs: LogEvent[][], wrong: Wrong): Promise<void> {
  const all = logs.flat().sort((a, b) => a.id - b.id);
  const newest = all.at(-1)?.id ?? 0;
  for (const [i, phone] of scene.phones.entries()) {
    await phone.until(({ cursor }) => cursor >= newest, 30_000).catch(() => undefined);
    if (!isDeepStrictEqual(phone.events, all)) wrong(`client ${i} has ${phone.events.length} events of ${all.length}`);
  }
}

/** The durable subscriber got each event of its types at least once, in order. */
async function checkDurableSubscriber(scene: Scene, logs: LogEvent[][], wrong: Wrong): Promise<void> {
  const all = logs.flat().sort((a, b) => a.id - b.id);
  const find = () => durableViolations(scene.data_dir, all);
  await until('the subscriber has caught up', () => find().length === 0, 10_000).catch(() => find().forEach(wrong));
}

/** Ids ascend, and the `seq` of each attempt has no gap. */
function checkOrder({ id }: TaskDetail, log: LogEvent[], wrong: Wrong): void {
  log.forEach((event, i) => {
    if (i > 0 && event.id <= (log[i - 1]?.id ?? 0)) wrong(`${id}: event ${event.id} out of order`);
  });
  const by_attempt = Map.groupBy(
    log.filter(({ seq }) => seq !== null),
    ({ attempt }) => attempt,
  );
  for (const [attempt, events] of by_attempt)
    if (!events.every(({ seq }, i) => seq === i + 1)) wrong(`${id}/${attempt}: its seq has a gap`);
}

/** The log has exactly the events that workers spooled. The next attempt reports what an attempt could not. */
function checkAgainstSpools(scene: Scene, task: TaskDetail, log: LogEvent[], wrong: Wrong): void {
  for (const { n } of task.attempts) {
    const made = scene.witness?.eventsOf(task.id, n) ?? [];
    const stored = log.filter(({ attempt, seq }) => attempt === n && seq !== null);
    for (const event of stored)
      if (!made.some((own) => own.seq === event.seq && same(own, event)))
        wrong(`${task.id}/${n}: event ${event.seq} (${event.type}) differs from its worker's spool`);
    const unreported = made.filter(({ seq, type }) => seq > stored.length && !PROCESS_EVENTS.test(type));
    const later = log.filter(({ attempt }) => attempt > n);
    // No attempt follows the last one that could report events after its result or its cancel.
    if (n === task.attempts.length) continue;
    for (const own of unreported)
      if (!later.some((event) => same(own, event))) wrong(`${task.id}/${n}: ${own.type} ${own.seq} is lost`);
  }
}

const same = (own: NumberedEvent, event: LogEvent) =>
  own.type === event.type && isDeepStrictEqual(own.body, event.body);

/** Attempts do not overlap, each has one end, and the task ends once. */
function checkAttempts({ id, attempts, status }: TaskDetail, log: LogEvent[], wrong: Wrong): void {
  const count = (type: string) => log.filter((event) => event.type === type).length;
  if (count('task.created') !== 1) wrong(`${id}: it was created ${count('task.created')} times`);
  if (count('attempt.ended') !== attempts.length) wrong(`${id}: an attempt has no end or several`);
  const ends = log.filter(({ type, body }) => type === 'task.status' && body['to'] === status);
  // A message to an ended task resumes it, and it ends again.
  if (ends.length < 1 || ends.length > 1 + count('message.received')) wrong(`${id}: it ended ${ends.length} times`);
  let running = 0;
  for (const event of log) {
    if (event.type === 'attempt.started') running = event.attempt;
    if (event.seq !== null && event.attempt !== running)
      wrong(`${id}: attempt ${event.attempt} wrote while ${running} ran`);
  }
}

/** The model was not asked again for a turn whose response is in the log. */
function checkModelRequests(scene: Scene, task: TaskDetail, log: LogEvent[], wrong: Wrong): void {
  const own = scene.model.requests.filter(({ body }) => body && isAbout(body, task.prompt));
  for (const { type, body } of log) {
    if (type !== 'turn.finished') continue;
    const at = own.findIndex(({ request_id }) => request_id === body['request_id']);
    const request = own[at]?.body;
    if (request === undefined) {
      wrong(`${task.id}: the model never sent the response of turn ${String(body['turn'])}`);
      continue;
    }
    const is_summary = (asked: MessagesRequest) => asked.compaction !== undefined;
    const again = own
      .slice(at + 1)
      .some(
        ({ body: later }) =>
          later && is_summary(later) === is_summary(request) && countedIn(later) <= countedIn(request),
      );
    if (again) wrong(`${task.id}: turn ${String(body['turn'])} was requested again after it was acknowledged`);
  }
}

/** Each command ran at most once, in order, and every finished command left its line in the branch. */
async function checkCommands(scene: Scene, task: TaskDetail, log: LogEvent[], wrong: Wrong): Promise<void> {
  if (task.branch === null) return task.status === 'succeeded' ? wrong(`${task.id}: it has no branch`) : undefined;
  const repository = join(scene.forge.root, 'adder.git');
  const { stdout } = await tryGit(repository, 'show', `${task.branch}:${TRACE}`);
  const found = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map(Number);
  if (!found.every((line, i) => i === 0 || line > (found[i - 1] ?? 0)))
    wrong(`${task.id}: its commands left ${found.join(' ')}`);
  if (task.status !== 'succeeded') return;
  const done = log.filter(
    ({ type, body }) => type === 'tool.finished' && body['name'] === 'run_command' && body['is_error'] === false,
  );
  const finished = log.filter(({ type }) => type === 'turn.finished').map(({ body }) => body);
  // A summary is a turn of the worker that the model does not count.
  const summaries = finished.filter((body) => body['replaces_messages'] !== undefined);
  const countOf = (turn: number) => turn - 1 - summaries.filter((body) => Number(body['turn']) < turn).length;
  for (const { body } of done)
    if (!found.includes(countOf(Number(body['turn'])))) wrong(`${task.id}: turn ${String(body['turn'])} left no trace`);
  const turns = finished.length - summaries.length - 1;
  const has_message = log.some(({ type }) => type === 'message.received');
  // A note of the worker, such as that a push was refused, takes another turn.
  const notes = log.filter(({ type, body }) => type === 'input.added' && body['source'] === 'harness').length;
  const counts = Array.from({ length: notes + 1 }, (_, i) => promptFor(turns - i));
  if (!counts.some((count) => `${task.prompt} `.startsWith(`${count} `)) && !has_message)
    wrong(`${task.id}: it had ${turns} turns: ${task.prompt}`);
}

/** No container, process, folder or socket is left; the database is intact; no secret is in it or in the output. */
async function checkNothingLeft(scene: Scene, wrong: Wrong): Promise<void> {
  await until('all workers are removed', () => workersIn(scene.data_dir).length === 0, REMOVED_MS).catch(() =>
    wrong(`workers are left: ${workersIn(scene.data_dir).join(' ')}`),
  );
  for (const phone of scene.phones) phone.close();
  const pid = scene.coordinator?.pid ?? 0;
  await checkSockets(scene, wrong);
  const code = await scene.stop();
  if (code !== 0) wrong(`the coordinator exited with ${code} after SIGTERM`);
  const db = openDatabase(join(scene.data_dir, 'errand.db'));
  try {
    const integrity = db.pragma('integrity_check', { simple: true });
    if (integrity !== 'ok') wrong(`the database is damaged: ${String(integrity)}`);
    checkFolders(scene.data_dir, db, wrong);
    if (scene.runner === 'docker') await checkContainers(scene.docker, readMeta(db, 'instance'), wrong);
  } finally {
    db.close();
  }
  for (const name of ['errand.db', 'errand.db-wal'])
    for (const secret of [FORGE.password, scene.model.api_key])
      if (scene.output.includes(secret) || (readIfThere(join(scene.data_dir, name))?.includes(secret) ?? false))
        wrong(`a secret is in ${name} or in the server's output`);
  for (const left of processesIn(scene.data_dir)) if (left !== pid) wrong(`process ${left} is left`);
}

/** Only the workspaces of tasks are left. */
function checkFolders(data_dir: string, db: Db, wrong: Wrong): void {
  const kept = db.prepare<[], string>('SELECT workspace FROM tasks WHERE workspace IS NOT NULL').pluck().all();
  const left = [
    ...readdirSync(join(data_dir, 'workspaces')).filter((name) => name !== WITNESS && !kept.includes(name)),
    ...readdirSync(data_dir).filter((name) => name.endsWith('-work')),
  ];
  if (left.length > 0) wrong(`folders are left: ${left.join(' ')}`);
}

/** The pipes of its output, its listeners, and its connections to the engine: one watches it. */
const OWN_SOCKETS_MAX = 8;
/** This program keeps some connections for its next requests. */
const CLIENTS_MAX = 4;

/** What was opened for errands and clients is closed. */
async function checkSockets({ coordinator }: Scene, wrong: Wrong): Promise<void> {
  if (!coordinator) return;
  const tooMany = () => {
    const sockets = coordinator.sockets();
    const clients = sockets.filter(({ accepted }) => accepted).length;
    return clients > CLIENTS_MAX || sockets.length - clients > OWN_SOCKETS_MAX ? sockets : [];
  };
  await until('its sockets are closed', () => tooMany().length === 0, 20_000).catch(() => {
    const open = tooMany().map(({ said }) => said);
    // A child has sockets of its own for its input and output.
    const children = childrenOf(coordinator.pid).map((command) => `child: ${command}`);
    if (open.length > 0) wrong(['too many sockets are open in the coordinator:', ...open, ...children].join('\n'));
  });
}

async function checkContainers(docker: string[], instance: string, wrong: Wrong): Promise<void> {
  const { stdout } = await promisify(execFile)('docker', [
    ...docker,
    'ps',
    '-aq',
    '--filter',
    `label=errand.instance=${instance}`,
  ]);
  if (stdout.trim() !== '') wrong(`containers are left: ${stdout.trim().split('\n').join(' ')}`);
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** The processes that have a folder in their command line or as their working directory. */
function processesIn(dir: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        return (
          readlinkSync(`/proc/${pid}/cwd`).startsWith(dir) ||
          readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(dir)
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}
