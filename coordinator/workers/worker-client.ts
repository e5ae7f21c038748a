import { ErrandError } from '../../protocol/problem.ts';
import { contractFault } from '../../protocol/worker.ts';
import { WorkerHealth, type Message } from '../../protocol/worker-schemas.ts';
import type { WorkerResponse, WorkerChannel } from './runner.ts';

/* The calls to a worker (see `protocol/worker.ts`, "Calls from the coordinator to the worker"). */

/** How long a worker may take to respond to any call but a hand-off. */
const RESPONSE_MS = 3_000;
const REASON_CHARS_MAX = 500;

const toJson = (content: object) => Buffer.from(JSON.stringify(content));
const inTime = () => AbortSignal.timeout(RESPONSE_MS);

/** Reads a worker's health. Rejects with `unavailable`, for people, if its contract version is not supported. */
export async function readHealth(channel: WorkerChannel): Promise<WorkerHealth> {
  const { status, text } = await channel.call({ method: 'GET', path: '/healthz', signal: inTime() });
  if (status !== 200) throw new Error(`The worker ${channel.worker} responded with ${status} to /healthz.`);
  const health = WorkerHealth.parse(JSON.parse(text));
  const fault = contractFault(health.contract_version);
  if (fault !== null) throw new ErrandError('unavailable', fault);
  return health;
}

/** Hands over the task: an `Assignment` as JSON. `signal` limits the wait for the response. */
export function postTask(channel: WorkerChannel, assignment: Buffer, signal: AbortSignal): Promise<WorkerResponse> {
  return channel.call({ method: 'POST', path: '/task', json: assignment, signal });
}

/** Pushes messages. */
export function postMessages(channel: WorkerChannel, messages: Message[]): Promise<WorkerResponse> {
  return channel.call({ method: 'POST', path: '/messages', json: toJson({ messages }), signal: inTime() });
}

/** Asks the worker to stop its task and save the work. */
export function postCancel(channel: WorkerChannel, reason: string): Promise<WorkerResponse> {
  const json = toJson({ reason: reason.slice(0, REASON_CHARS_MAX) });
  return channel.call({ method: 'POST', path: '/cancel', json, signal: inTime() });
}
