import { Agent, fetch as undiciFetch, request, type Dispatcher } from 'undici';
import type { z } from 'zod';
import { LIMITS } from '../protocol/limits.ts';
import { ErrandError, parse, Problem, type ErrorCode } from '../protocol/problem.ts';
import { CallbackReply, CONTRACT_HEADER, CONTRACT_VERSION, type Assignment } from '../protocol/worker.ts';
import { AnyAssignment, readAssignment } from './assignment.ts';
import type { CoordinatorAddress } from './config.ts';

/** How long the coordinator may take to answer a callback: half of a lease, so that there is time for another try. */
const ANSWER_MS = 30_000;
/** The model thinks in silence for minutes; the loop watches over the stream by itself. */
const MODEL_SILENCE_MS = 900_000;
const REPLY_BYTES_MAX = 8 * 1024 * 1024;

type Carrying = { base_url: string; token: () => string; fetch: typeof globalThis.fetch };

/**
 * The worker's calls to the coordinator, over a socket or TCP, on connections that are kept. Each is made once; what fails is an `ErrandError`,
 * `upstream_unreachable` where there was no answer. `./verdict.ts` says what each means.
 */
export class CoordinatorClient {
  readonly address: CoordinatorAddress;
  readonly task_id: string;
  /** The bearer of every call; a heartbeat may bring the next. */
  token: string;
  readonly #callbacks: Agent;
  readonly #carried: Agent;

  constructor(address: CoordinatorAddress, task_id: string, token: string) {
    this.address = address;
    this.task_id = task_id;
    this.token = token;
    const connect = { timeout: 5_000, ...(address.socket_path !== null && { socketPath: address.socket_path }) };
    this.#callbacks = new Agent({ connect, connections: 4, headersTimeout: ANSWER_MS, bodyTimeout: ANSWER_MS });
    this.#carried = new Agent({ connect, headersTimeout: MODEL_SILENCE_MS, bodyTimeout: MODEL_SILENCE_MS });
  }

  /** The path of this task's internal API, below the origin. */
  get path(): string {
    return `/internal/tasks/${this.task_id}`;
  }

  /** Rejects with `invalid` where it is one that this worker cannot take: no repeat would fare better. */
  async assignment(signal: AbortSignal): Promise<Assignment> {
    const any = await this.#call('GET', 'assignment', null, AnyAssignment, LIMITS.assignment_bytes_max, signal);
    return readAssignment(any);
  }

  /** One callback; `body` is JSON text. */
  callback(name: 'events' | 'heartbeat' | 'result', body: string, signal: AbortSignal): Promise<CallbackReply> {
    return this.#call('POST', name, body, CallbackReply, REPLY_BYTES_MAX, signal);
  }

  /** Where the Claude API is carried on, and how to get there. */
  model(): Carrying {
    const carried = this.#carried;
    // Two declarations of one interface: the global `fetch` is typed by Node, this one by the library that Node took it from.
    const carry = (input: Parameters<typeof undiciFetch>[0], init?: Parameters<typeof undiciFetch>[1]) =>
      undiciFetch(input, { ...init, dispatcher: carried });
    return {
      base_url: `${this.address.origin}${this.path}/llm`,
      token: () => this.token,
      fetch: carry as unknown as typeof globalThis.fetch,
    };
  }

  /** Cuts what is under way. */
  async close(): Promise<void> {
    await Promise.all([this.#callbacks.destroy(), this.#carried.destroy()]);
  }

  async #call<T>(
    method: 'GET' | 'POST',
    name: string,
    body: string | null,
    schema: z.ZodType<T>,
    bytes_max: number,
    signal: AbortSignal,
  ): Promise<T> {
    signal.throwIfAborted();
    let answer: Dispatcher.ResponseData;
    let text: string;
    try {
      answer = await request(`${this.address.origin}${this.path}/${name}`, {
        method,
        body,
        signal,
        dispatcher: this.#callbacks,
        headers: {
          authorization: `Bearer ${this.token}`,
          [CONTRACT_HEADER]: String(CONTRACT_VERSION),
          ...(body !== null && { 'content-type': 'application/json' }),
        },
      });
      text = await readText(answer.body, bytes_max);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ErrandError) throw error;
      throw new ErrandError('upstream_unreachable', `The coordinator did not answer ${name}.`, { cause: error });
    }
    if (answer.statusCode < 200 || answer.statusCode > 299) throw refusal(name, answer, text);
    try {
      return parse(schema, JSON.parse(text), `The answer to ${name}`);
    } catch (error) {
      // Not `invalid`: that is what the coordinator says of ours.
      throw new ErrandError('internal', `The coordinator answered ${name} with something else.`, { cause: error });
    }
  }
}

async function readText(body: AsyncIterable<Buffer>, bytes_max: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > bytes_max) throw new ErrandError('internal', `The coordinator's answer is above ${bytes_max} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The error that an answer means: the problem document's own, or, from something in between that knows none, by its status. */
function refusal(name: string, answer: Dispatcher.ResponseData, text: string): ErrandError {
  const seconds = Number(answer.headers['retry-after']);
  const retry = Number.isFinite(seconds) && seconds > 0 ? { retry_after_s: seconds } : {};
  let known: Problem | undefined;
  try {
    known = Problem.safeParse(JSON.parse(text)).data;
  } catch {
    known = undefined;
  }
  if (known === undefined)
    return new ErrandError(codeOf(answer.statusCode), `The answer to ${name} was ${answer.statusCode}.`, retry);
  return new ErrandError(known.code, known.detail ?? known.title, {
    ...retry,
    ...(known.errors && { errors: known.errors }),
    ...(known.expected_seq !== undefined && { expected_seq: known.expected_seq }),
  });
}

function codeOf(status: number): ErrorCode {
  switch (status) {
    case 400:
      return 'invalid';
    case 401:
      return 'unauthenticated';
    case 404:
      return 'not_found';
    case 413:
      return 'too_large';
    case 429:
      return 'rate_limited';
    case 502:
    case 503:
    case 504:
      return 'unavailable';
    default:
      return status >= 500 ? 'internal' : 'forbidden';
  }
}
