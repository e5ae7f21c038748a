import assert from 'node:assert/strict';
import type { z } from 'zod';
import { newId } from '../../protocol/ids.ts';
import { Problem } from '../../protocol/problem-document.ts';
import { WorkerHealth, WorkerStatus, type Assignment, type ResultPost } from '../../protocol/worker-schemas.ts';
import type { MockTask } from '../support/mock-coordinator/task.ts';
import { until } from '../support/until.ts';
import { callWorker, type Reply } from '../support/worker-call.ts';
import type { RunningWorker, WorkerSource } from './worker-under-test.ts';

/**
 * The prompts of the tests. `short` changes a file and ends by itself, and `long` still runs when it is interrupted;
 * null: there is no such task, and the rules that need one are not checked. `noisy` ends by itself, with at least 1 MB
 * of events, and `asks` after the answer to the one question that the worker asks in it; null: the rule about it is
 * left out.
 */
export type Prompts = { short: string; long: string | null; noisy: string | null; asks: string | null };

/** A rule cannot be checked with these prompts. */
export class NotChecked extends Error {}

/** The prompt of the long task. Throws `NotChecked`. */
export function longTask({ prompts: { long } }: WorkerUnderTest): string {
  if (long === null) throw new NotChecked('the long task ended by itself');
  return long;
}

/** The workers under test, and how long each may take for its task. */
export type WorkerUnderTest = { source: WorkerSource; prompts: Prompts; work_ms: number };

const BOOT_MS = 30_000;
export const HEARTBEAT_MS = 500;

export const get = (worker: RunningWorker, path: string, token = tokenFor(worker)) =>
  callWorker(worker.address, 'GET', path, undefined, bearer(token));
export const post = (worker: RunningWorker, path: string, body: unknown, token = tokenFor(worker)) =>
  callWorker(worker.address, 'POST', path, body, bearer(token));

/** As the coordinator: on a socket it sends no token. */
const tokenFor = ({ address, handed }: RunningWorker) => (address.kind === 'tcp' ? handed?.token : undefined) ?? null;
const bearer = (token: string | null) => (token === null ? {} : { authorization: `Bearer ${token}` });

/** Waits until it has booted. */
export async function healthy(worker: RunningWorker): Promise<WorkerHealth> {
  let reply: Reply | undefined;
  const asked = async () => (reply = await get(worker, '/healthz').catch(() => undefined))?.status === 200;
  await reaches(worker, 'it answers /healthz with 200', asked, BOOT_MS);
  return bodyOf('GET /healthz', reply?.body, WorkerHealth, 'WorkerHealth');
}

/** What its /status says. */
export const statusOf = async (worker: RunningWorker) => readStatus(await get(worker, '/status'));

/** What an answer to GET /status says. */
export function readStatus(reply: Reply): WorkerStatus {
  answers('GET /status', reply, 200);
  return bodyOf('GET /status', reply.body, WorkerStatus, 'WorkerStatus');
}

/** Requires a body of this schema. `name`: that of the schema. */
function bodyOf<T>(what: string, body: unknown, schema: z.ZodType<T>, name: string): T {
  const read = schema.safeParse(body);
  if (read.success) return read.data;
  const faults = read.error.issues.map(({ path, message }) => `/${path.join('/')} ${message}`);
  return assert.fail(`${what} was answered without a body of ${name}: ${faults.join('; ')}`);
}

/** Waits until this holds. Rejects in time if it does not, and at once where the worker has exited before. */
export function reaches<T>(
  worker: RunningWorker,
  what: string,
  condition: () => T | Promise<T>,
  within_ms: number,
): Promise<Exclude<T, false | undefined | null>> {
  let end: string | undefined;
  worker.ended?.then(
    (code) => (end = `exited with code ${code} before this held: ${what}`),
    (error: Error) => (end = `could not be started: ${error.message}`),
  );
  const asked = async () => {
    // What it did last has arrived before its exit.
    const ended = end;
    const value = await condition();
    if (ended !== undefined && (value === false || value === undefined || value === null))
      assert.fail(`the worker ${ended}`);
    return value;
  };
  return until(what, asked, within_ms);
}

/** Requires this status, and says which call was answered otherwise. */
export function answers(what: string, reply: Reply, status: number): void {
  const body = JSON.stringify(reply.body);
  assert.ok(reply.status === status, `${what} was answered with ${reply.status} ${body}, not with ${status}`);
}

/** Requires this status and a problem document. */
export function refuses(what: string, reply: Reply, status: number): void {
  answers(what, reply, status);
  assert.ok(Problem.safeParse(reply.body).success, `${what} was answered without a problem document`);
}

export function addTask(worker: RunningWorker, prompt: string, more: Partial<Assignment> = {}): MockTask {
  const { mock, repo_url, model } = worker;
  return mock.addTask({ prompt, title: 'Conformance', repo_url, model, heartbeat_ms: HEARTBEAT_MS, ...more });
}

/** Hands over an assignment: that of the task as it is now, if none is given. */
export async function hand(worker: RunningWorker, task: MockTask, assignment = task.assignment()): Promise<void> {
  answers('the hand-over', await post(worker, '/task', assignment), 202);
  worker.handed = task;
}

/** Starts a new worker with the long task, and waits for its first events. `port`: where it is to listen. */
export async function underWay(
  context: WorkerUnderTest,
  more: Partial<Assignment> = {},
  port?: number,
): Promise<{ worker: RunningWorker; task: MockTask }> {
  const prompt = longTask(context);
  const worker = await context.source.start({}, port);
  await healthy(worker);
  // An agent that calls the model through the coordinator waits for it here.
  worker.mock.faults.add('llm', { kind: 'hang' }, 1000);
  const task = addTask(worker, prompt, more);
  await hand(worker, task);
  const steps = ['repository.ready', 'conversation.started', 'turn.started', 'tool.started'];
  const is_under_way = () => task.events.some(({ type }) => steps.includes(type));
  await reaches(worker, 'its work is under way', is_under_way, context.work_ms);
  return { worker, task };
}

/** Whether this happens in time. */
export function happens(condition: () => boolean, within_ms: number): Promise<boolean> {
  const met = until('it happens', condition, within_ms);
  return met.then(
    () => true,
    () => false,
  );
}

export async function exitCode({ ended }: RunningWorker, within_ms: number): Promise<number | null> {
  let code: number | null | undefined;
  void ended?.then((exit) => (code = exit));
  await until('the worker has exited', () => code !== undefined, within_ms);
  return code ?? null;
}

/** Requires that it exits in time, with this code. */
export async function exits(worker: RunningWorker, code: number, within_ms: number): Promise<void> {
  const given = await exitCode(worker, within_ms);
  assert.ok(given === code, `it exited with code ${given}, not ${code}`);
}

/** Starts a worker for the short task, and waits for its end. Returns the task with its result. */
export async function wholeLife(
  { source, prompts, work_ms }: WorkerUnderTest,
  more: Partial<Assignment>,
  before: (task: MockTask, worker: RunningWorker) => void = () => {},
): Promise<MockTask> {
  const worker = await source.start();
  await healthy(worker);
  const task = addTask(worker, prompts.short, more);
  task.say('Be brief.');
  before(task, worker);
  await hand(worker, task);
  await exits(worker, 0, work_ms);
  return task;
}

/** The same with a worker that cannot be called, so that it has the task's token in its environment. */
export async function uncalled(
  { source, prompts, work_ms }: WorkerUnderTest,
  more: Partial<Assignment> = {},
): Promise<MockTask> {
  const task_id = newId();
  const worker = await source.start({
    ERRAND_LISTEN: '',
    ERRAND_TASK_ID: task_id,
    ERRAND_TASK_TOKEN: `token-${task_id}-1-1`,
  });
  const task = addTask(worker, prompts.short, { ...more, task_id });
  task.say('Be brief.');
  await exits(worker, 0, work_ms);
  return task;
}

/**
 * Kills the worker, and has a new process on the same folders carry out the short task in its place. `between`: called
 * once the worker is gone.
 */
export async function restartKilled(
  { prompts, work_ms }: WorkerUnderTest,
  worker: RunningWorker,
  task: MockTask,
  between: () => void = () => {},
): Promise<void> {
  worker.signal('SIGKILL');
  await worker.ended;
  between();
  task.base.prompt = prompts.short;
  task.say('Be brief.');
  worker.mock.faults.clear();
  const again = await worker.again();
  await healthy(again);
  await hand(again, task);
  await exits(again, 0, work_ms);
}

/** Requires a result with this status and, if it is given, this reason. */
export function endedAs(task: MockTask, status: ResultPost['status'], reason: ResultPost['reason'] = null): void {
  const { result } = task.current;
  assert.ok(result, `it posted no result, and not ${status}`);
  const [given, wanted] = [result, { status, reason }].map((end) => `${end.status} (${end.reason ?? 'no reason'})`);
  assert.ok(given === wanted, `its result was ${given}: ${result.detail ?? 'no detail'}; it should be ${wanted}`);
}

/** Requires that the mock noted no breach. */
export function keptTheRules({ breaches }: MockTask): void {
  assert.ok(breaches.length === 0, breaches.join('\n'));
}

/** Requires that it reported something: of a worker that did not, what follows would hold. */
export function reported({ events }: MockTask): void {
  assert.ok(events.length > 0, 'it posted no event');
}

/** Requires that nothing it reported has this text. `what`: the name of the text. */
export function tellsNowhere({ attempts }: MockTask, text: string, what: string): void {
  for (const { events, deltas, heartbeats, result } of attempts) {
    const said: [where: string, said: unknown][] = [
      ...events.map((event): [string, unknown] => [`event ${event.seq} (${event.type})`, event]),
      ...deltas.map(({ delta }): [string, unknown] => ['a delta', delta]),
      ...heartbeats.map((heartbeat): [string, unknown] => ['a heartbeat', heartbeat]),
      ['the result', result ?? null],
    ];
    const found = said.find(([, report]) => JSON.stringify(report).includes(text));
    assert.ok(found === undefined, `${found?.[0]} has ${what}`);
  }
}

/** Requires events from 1 without a gap. */
export function inOrder({ events }: MockTask): void {
  const wrong = events.find(({ seq }, i) => seq !== i + 1);
  assert.ok(wrong === undefined, `the events have a gap before ${wrong?.seq}`);
}
