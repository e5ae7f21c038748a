import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { Agent, fetch as undiciFetch, request, type Dispatcher } from 'undici';
import type { z } from 'zod';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError, parse } from '../../protocol/problem.ts';
import { CONTRACT_HEADER, CONTRACT_VERSION } from '../../protocol/worker.ts';
import {
  CallbackReply,
  MessagesTaken,
  type Assignment,
  type Message,
  type MessagesTake,
} from '../../protocol/worker-schemas.ts';
import { AnyAssignment, parseAssignment } from '../base/assignment.ts';
import type { WorkInput } from '../base/work.ts';
import { errorOfResponse } from './response-error.ts';

const CONNECT_MS = 5_000;
/** How long a callback may take: half of a lease, so that there is time for another try. */
const CALLBACK_MS = 30_000;
/** The model thinks in silence for minutes; the model client has its own watchdog. */
const MODEL_SILENCE_MS = 900_000;
const CALLBACK_CONNECTIONS_MAX = 4;
const REPLY_BYTES_MAX = 8 * 1024 * 1024;

/** Where the coordinator is. `origin` comes before a path in its URLs; its host is a placeholder over a socket. */
export type CoordinatorAddress = { origin: string; socket_path: string | null };

type Call<T> = {
  method: 'GET' | 'POST';
  name: string;
  body: string | null;
  schema: z.ZodType<T>;
  reply_bytes_max: number;
};

/**
 * The worker's calls to the coordinator, over a unix socket or TCP, with connections kept alive. It does not retry. A
 * call that fails rejects with an `ErrandError` (`upstream_unreachable` without a response); see `callback-errors.ts`.
 */
export class CoordinatorClient {
  readonly address: CoordinatorAddress;
  readonly task_id: string;
  /** The bearer token of every call. A heartbeat may renew it. */
  token: string;
  readonly #callback_agent: Agent;
  readonly #model_agent: Agent;

  constructor(address: CoordinatorAddress, task_id: string, token: string) {
    this.address = address;
    this.task_id = task_id;
    this.token = token;
    const connect = { timeout: CONNECT_MS, ...(address.socket_path !== null && { socketPath: address.socket_path }) };
    this.#callback_agent = new Agent({
      connect,
      connections: CALLBACK_CONNECTIONS_MAX,
      headersTimeout: CALLBACK_MS,
      bodyTimeout: CALLBACK_MS,
    });
    this.#model_agent = new Agent({ connect, headersTimeout: MODEL_SILENCE_MS, bodyTimeout: MODEL_SILENCE_MS });
  }

  /** The path of this task's worker API, below the origin. */
  get task_path(): string {
    return `/internal/tasks/${this.task_id}`;
  }

  /** Fetches the assignment. Rejects with `invalid` if it is of another contract version: a retry would not help. */
  async assignment(signal: AbortSignal): Promise<Assignment> {
    const call = { method: 'GET', name: 'assignment', body: null } as const;
    const limits = { schema: AnyAssignment, reply_bytes_max: LIMITS.assignment_bytes_max };
    return parseAssignment(await this.#call({ ...call, ...limits }, signal));
  }

  /** Makes one callback; `body` is JSON text. */
  callback(name: 'events' | 'heartbeat' | 'result', body: string, signal: AbortSignal): Promise<CallbackReply> {
    const call = { method: 'POST', name, body } as const;
    return this.#call({ ...call, schema: CallbackReply, reply_bytes_max: REPLY_BYTES_MAX }, signal);
  }

  /** Takes messages: from then on nobody can change them. */
  async takeMessages(take: MessagesTake, signal: AbortSignal): Promise<Message[]> {
    const call = { method: 'POST', name: 'messages', body: JSON.stringify(take) } as const;
    const limits = { schema: MessagesTaken, reply_bytes_max: REPLY_BYTES_MAX };
    return (await this.#call({ ...call, ...limits }, signal)).messages;
  }

  /** Writes an attachment of the task to a file. Rejects with `not_found` if the coordinator does not have it. */
  async fetchAttachment(id: string, path: string, signal: AbortSignal): Promise<void> {
    const unreachable = (cause: unknown) => {
      signal.throwIfAborted();
      return new ErrandError('upstream_unreachable', 'The coordinator did not answer attachments.', { cause });
    };
    const response = await request(`${this.address.origin}${this.task_path}/attachments/${id}`, {
      signal,
      dispatcher: this.#callback_agent,
      headers: { authorization: `Bearer ${this.token}`, [CONTRACT_HEADER]: String(CONTRACT_VERSION) },
    }).catch((error: unknown) => {
      throw unreachable(error);
    });
    const { statusCode: status, headers } = response;
    const body = arriving(response.body, unreachable);
    if (status !== 200) {
      const text = await readText(body, REPLY_BYTES_MAX);
      throw errorOfResponse('attachments', { status, retry_after: headers['retry-after'], text });
    }
    await rm(path, { recursive: true, force: true });
    const file = createWriteStream(path, { flags: 'wx' });
    await pipeline(limited(body, LIMITS.attachment_bytes_max), file, { signal });
  }

  /** How to reach the Claude API through the coordinator. */
  model(): WorkInput['model'] {
    const dispatcher = this.#model_agent;
    // Node types the global `fetch`, undici types this one: two declarations of the same interface.
    const fetch = (input: Parameters<typeof undiciFetch>[0], init?: Parameters<typeof undiciFetch>[1]) =>
      undiciFetch(input, { ...init, dispatcher });
    return {
      base_url: `${this.address.origin}${this.task_path}/llm`,
      token: () => this.token,
      fetch: fetch as unknown as typeof globalThis.fetch,
    };
  }

  /** Cuts all connections. */
  async close(): Promise<void> {
    await Promise.all([this.#callback_agent.destroy(), this.#model_agent.destroy()]);
  }

  async #call<T>({ method, name, body, schema, reply_bytes_max }: Call<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    let response: Dispatcher.ResponseData;
    let text: string;
    try {
      response = await request(`${this.address.origin}${this.task_path}/${name}`, {
        method,
        body,
        signal,
        dispatcher: this.#callback_agent,
        headers: {
          authorization: `Bearer ${this.token}`,
          [CONTRACT_HEADER]: String(CONTRACT_VERSION),
          ...(body !== null && { 'content-type': 'application/json' }),
        },
      });
      text = await readText(response.body, reply_bytes_max);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ErrandError) throw error;
      throw new ErrandError('upstream_unreachable', `The coordinator did not answer ${name}.`, { cause: error });
    }
    const { statusCode: status, headers } = response;
    if (status < 200 || status > 299)
      throw errorOfResponse(name, { status, retry_after: headers['retry-after'], text });
    try {
      return parse(schema, JSON.parse(text), `The response to ${name}`);
    } catch (error) {
      // Not `invalid`: that would mean that the coordinator rejected the worker's own body.
      throw new ErrandError('internal', `The coordinator's response to ${name} is malformed.`, { cause: error });
    }
  }
}

async function readText(body: AsyncIterable<Buffer>, bytes_max: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > bytes_max) throw new ErrandError('internal', `The coordinator's response is above ${bytes_max} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** A body, of which the connection may be cut: then `errorOf` makes the error. */
async function* arriving(body: AsyncIterable<Buffer>, errorOf: (cause: unknown) => Error): AsyncGenerator<Buffer> {
  try {
    yield* body;
  } catch (cause) {
    throw errorOf(cause);
  }
}

/** Throws once a stream is longer than it may be. */
async function* limited(body: AsyncIterable<Buffer>, bytes_max: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > bytes_max) throw new ErrandError('too_large', `The attachment is above ${bytes_max} bytes.`);
    yield chunk;
  }
}
