import assert from 'node:assert/strict';
import { Problem } from '../../protocol/problem-document.ts';
import { WorkerHealth, type Assignment } from '../../protocol/worker-schemas.ts';
import type { MockTask } from '../support/mock-coordinator/task.ts';
import { until } from '../support/until.ts';
import { callWorker, type Reply } from '../support/worker-call.ts';
import type { RunningWorker, WorkerSource } from './worker-under-test.ts';

/** The prompts of the tests: `short` ends by itself, `long` still runs when it is interrupted. */
export type Prompts = { short: string; long: string };

/** The workers under test, and how long each may take for its task. */
export type WorkerUnderTest = { source: WorkerSource; prompts: Prompts; work_ms: number };

const BOOT_MS = 30_000;
export const HEARTBEAT_MS = 500;

export const get = (worker: RunningWorker, path: string) => callWorker(worker.address, 'GET', path);
export const post = (worker: RunningWorker, path: string, body: unknown) =>
  callWorker(worker.address, 'POST', path, body);

export async function healthy(worker: RunningWorker): Promise<WorkerHealth> {
  let reply: Reply | undefined;
  const asked = async () => (reply = await get(worker, '/healthz').catch(() => undefined))?.status === 200;
  await until('the worker answers /healthz with 200', asked, BOOT_MS);
  return WorkerHealth.parse(reply?.body);
}

export function isProblem(reply: Reply, status: number): void {
  assert.equal(reply.status, status, `it answered ${reply.status}`);
  assert.ok(Problem.safeParse(reply.body).success, 'it answered without a problem document');
}

export function addTask(worker: RunningWorker, prompt: string, more: Partial<Assignment> = {}): MockTask {
  const { mock, repo_url, model } = worker;
  return mock.addTask({ prompt, title: 'Conformance', repo_url, model, heartbeat_ms: HEARTBEAT_MS, ...more });
}

/** Hands over an assignment. Over TCP the worker requires its token from then on. */
export async function hand(worker: RunningWorker, task: MockTask): Promise<void> {
  const reply = await post(worker, '/task', task.assignment());
  assert.equal(reply.status, 202, `the hand-over was answered with ${reply.status}: ${JSON.stringify(reply.body)}`);
}

/** Starts a new worker with the long task, and waits for its first events. */
export async function underWay({
  source,
  prompts,
  work_ms,
}: WorkerUnderTest): Promise<{ worker: RunningWorker; task: MockTask }> {
  const worker = await source.start();
  await healthy(worker);
  // An agent that calls the model through the coordinator waits for it here.
  worker.mock.faults.add('llm', { kind: 'hang' }, 1000);
  const task = addTask(worker, prompts.long);
  await hand(worker, task);
  const steps = ['repository.ready', 'conversation.started', 'turn.started', 'tool.started'];
  await until('its work is under way', () => task.events.some(({ type }) => steps.includes(type)), work_ms);
  return { worker, task };
}

export async function exitCode({ ended }: RunningWorker, within_ms: number): Promise<number | null> {
  let code: number | null | undefined;
  void ended?.then((exit) => (code = exit));
  await until('the worker has exited', () => code !== undefined, within_ms);
  return code ?? null;
}

export const inOrder = (task: MockTask) =>
  assert.ok(
    task.events.every(({ seq }, i) => seq === i + 1),
    'events from 1, without a gap',
  );
