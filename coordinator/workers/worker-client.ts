import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { ErrandError } from '../../protocol/problem.ts';
import {
  contractFault,
  WorkerHealth,
  WorkerStatus,
  WORKER_SOCKET,
  type Assignment,
  type Message,
} from '../../protocol/worker.ts';
import type { Link } from './worker-directories.ts';

/*
 * The calls to a worker (protocol/worker.ts, "What the coordinator asks of the worker"), through the socket in its own directory. A worker
 * may have become an attacker's: the call connects to a socket there, never through a link to another one; an answer has a bound in size
 * and in time; and what it says is checked by a schema.
 */

/** Linux's O_PATH, which Node does not name: a handle on the thing itself, which opens nothing. */
const O_PATH = 0o10000000;
const ANSWER_BYTES_MAX = 64 * 1024;
/** How long a worker may take to answer anything but a hand-over. */
const ANSWER_MS = 3_000;

export type Answer = { status: number; text: string };

/** A call that got no answer. `unreached`: nobody listened, and the worker has not seen it. */
export class WorkerUnreachable extends Error {
  override readonly name = 'WorkerUnreachable';
  readonly unreached: boolean;

  constructor(link: Link, unreached: boolean, cause: unknown) {
    super(`The worker ${link.name} ${unreached ? 'does not listen yet' : 'did not answer'}.`, { cause });
    this.unreached = unreached;
  }
}

/** Resolves when the worker serves; rejects where it does not, and with `unavailable`, in words for a person, where its contract is not served here. */
export async function readHealth(link: Link): Promise<WorkerHealth> {
  const { status, text } = await callWorker(link, 'GET', '/healthz');
  if (status !== 200) throw new Error(`The worker ${link.name} answered ${status} to /healthz.`);
  const health = WorkerHealth.parse(JSON.parse(text));
  const fault = contractFault(health.contract_version);
  if (fault !== null) throw new ErrandError('unavailable', fault);
  return health;
}

/** Hands over the task; `signal` bounds the wait for the answer. */
export function postTask(link: Link, assignment: Assignment, signal: AbortSignal): Promise<Answer> {
  return callWorker(link, 'POST', '/task', assignment, signal);
}

export function postMessages(link: Link, messages: Message[]): Promise<Answer> {
  return callWorker(link, 'POST', '/messages', { messages });
}

export function postCancel(link: Link, reason: string): Promise<Answer> {
  return callWorker(link, 'POST', '/cancel', { reason: reason.slice(0, 500) });
}

export async function readStatus(link: Link): Promise<WorkerStatus> {
  const { text } = await callWorker(link, 'GET', '/status');
  return WorkerStatus.parse(JSON.parse(text));
}

async function callWorker(
  link: Link,
  method: 'GET' | 'POST',
  path: string,
  content?: unknown,
  signal = AbortSignal.timeout(ANSWER_MS),
): Promise<Answer> {
  const socket = openSocket(link);
  try {
    return await exchange(`/proc/self/fd/${socket}`, method, path, content, signal);
  } catch (error) {
    const refused = error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
    throw new WorkerUnreachable(link, refused, error);
  } finally {
    closeSync(socket);
  }
}

/**
 * A handle on the worker's socket itself. The handle is taken first and looked at second, and the connection goes to what it holds: however
 * fast the worker swaps names in its directory, nothing but a socket of its own making is ever connected to.
 */
function openSocket(link: Link): number {
  let handle: number;
  try {
    handle = openSync(join(link.worker_dir, WORKER_SOCKET), O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    throw new WorkerUnreachable(link, true, error);
  }
  if (fstatSync(handle).isSocket()) return handle;
  closeSync(handle);
  throw new Error(`What the worker ${link.name} calls ${WORKER_SOCKET} is not a socket.`);
}

function exchange(
  socketPath: string,
  method: string,
  path: string,
  content: unknown,
  signal: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const body = content === undefined ? undefined : Buffer.from(JSON.stringify(content));
    const headers = body ? { 'content-type': 'application/json', 'content-length': body.length } : {};
    const call = request({ socketPath, method, path, headers, signal, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > ANSWER_BYTES_MAX)
          response.destroy(new Error(`The answer is longer than ${ANSWER_BYTES_MAX} bytes.`));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    call.on('error', reject);
    call.end(body);
  });
}
