import { ErrandError } from '../../protocol/problem.ts';
import { contractFault, WorkerHealth, type Assignment, type Message } from '../../protocol/worker.ts';
import type { WorkerAnswer, WorkerChannel } from './runner.ts';

/* The calls to a worker (protocol/worker.ts, "What the coordinator asks of the worker"). What it answers is checked by a schema. */

/** How long a worker may take to answer anything but a hand-off. */
const ANSWER_MS = 3_000;
const REASON_CHARS_MAX = 500;

const inTime = () => AbortSignal.timeout(ANSWER_MS);

/** Resolves when the worker serves. Rejects with `unavailable`, in plain words, where its contract version is not served here. */
export async function readHealth(channel: WorkerChannel): Promise<WorkerHealth> {
  const { status, text } = await channel.call({ method: 'GET', path: '/healthz', signal: inTime() });
  if (status !== 200) throw new Error(`The worker ${channel.worker} answered ${status} to /healthz.`);
  const health = WorkerHealth.parse(JSON.parse(text));
  const fault = contractFault(health.contract_version);
  if (fault !== null) throw new ErrandError('unavailable', fault);
  return health;
}

/** Hands off the task. `signal` bounds the wait for the answer. */
export function postTask(channel: WorkerChannel, assignment: Assignment, signal: AbortSignal): Promise<WorkerAnswer> {
  return channel.call({ method: 'POST', path: '/task', content: assignment, signal });
}

export function postMessages(channel: WorkerChannel, messages: Message[]): Promise<WorkerAnswer> {
  return channel.call({ method: 'POST', path: '/messages', content: { messages }, signal: inTime() });
}

export function postCancel(channel: WorkerChannel, reason: string): Promise<WorkerAnswer> {
  const content = { reason: reason.slice(0, REASON_CHARS_MAX) };
  return channel.call({ method: 'POST', path: '/cancel', content, signal: inTime() });
}
