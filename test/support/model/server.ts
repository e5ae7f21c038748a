import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toMessage, toStream } from '../../../coordinator/demo/message-stream.ts';
import { ApiError, invalid } from './api-error.ts';
import { PromptCache } from './cache.ts';
import { segments } from './conversation.ts';
import { count, readCountBody, readMessagesBody } from './read-body.ts';
import type { MessagesRequest } from './request.ts';
import { withRawBlocks } from './raw-blocks.ts';
import { writeFrames } from './write-frames.ts';
import { responseTo, isFault, type Fault, type Turn } from './script.ts';

export { faults, type Fault, type Turn } from './script.ts';
export type { MessagesRequest } from './request.ts';

/** A received request. `body` is undefined if it was invalid; `ended` resolves when the response has ended. */
type Recorded = {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  raw: Buffer;
  body: MessagesRequest | undefined;
  ended: Promise<'finished' | 'aborted'>;
  /** The `request-id` of the response. */
  request_id: string;
};

/** One entry of a script: a turn, a fault, or a function of the request that returns one. */
export type Entry = Turn | Fault | ((request: MessagesRequest) => Turn | Fault);

export type ModelOptions = {
  /** One entry per valid request, in order. After the last one the server responds with 500. */
  script?: Entry[];
  /** Returns the turn of every request, instead of a script. `n` counts from 0. */
  handler?: (request: MessagesRequest, n: number) => Turn | Fault | Promise<Turn | Fault>;
  /** The accepted key, as `Authorization: Bearer` or `x-api-key`. */
  api_key?: string;
  context_tokens_max?: number;
  /** The longest body that it reads; by default as long as the real one does. */
  body_bytes_max?: number;
  /** The characters per text delta. */
  piece_chars?: number;
};

export type ModelServer = {
  base_url: string;
  api_key: string;
  /** All received requests, in order, without those for the list of models: a server asks for it at its start. */
  requests: Recorded[];
  /** Resolves with request number `n` (from 0) when it has arrived. */
  request: (n: number) => Promise<Recorded>;
  /** Injects faults into the next requests. The script does not advance. */
  fail: (...next: Fault[]) => void;
  close: () => Promise<void>;
};

const VERSIONS = ['2026-10-21', '2023-06-01'];
const BODY_BYTES_MAX = 32 * 1024 * 1024;

/** A fake Claude API on a free port: as strict as the real one, with its wire format and, on demand, its faults. */
export async function startModel(options: ModelOptions = {}): Promise<ModelServer> {
  const model = new FakeModel(options);
  const server = createServer((incoming, response) => {
    model.serve(incoming, response).catch(() => response.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    base_url: `http://127.0.0.1:${port}`,
    api_key: model.api_key,
    requests: model.requests,
    request: (n) => model.request(n),
    fail: (...more) => model.fail(...more),
    close: async () => {
      model.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

class FakeModel {
  readonly api_key: string;
  readonly requests: Recorded[] = [];
  readonly #options: ModelOptions;
  readonly #context_tokens_max: number;
  readonly #waiting = new Map<number, (recorded: Recorded) => void>();
  readonly #faults: Fault[] = [];
  readonly #cache = new PromptCache();
  readonly #closing = new AbortController();
  #turns = 0;

  constructor(options: ModelOptions) {
    this.#options = options;
    this.api_key = options.api_key ?? 'sk-ant-test-key';
    this.#context_tokens_max = options.context_tokens_max ?? 1_000_000;
  }

  async request(n: number): Promise<Recorded> {
    return this.requests[n] ?? new Promise((resolve) => this.#waiting.set(n, resolve));
  }

  fail(...faults: Fault[]): void {
    this.#faults.push(...faults);
  }

  close(): void {
    this.#closing.abort();
  }

  async serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = incoming.url ?? '/';
    const { promise: ended, resolve } = Promise.withResolvers<'finished' | 'aborted'>();
    response.once('close', () => resolve(response.writableFinished ? 'finished' : 'aborted'));
    const raw = await readAll(incoming);
    const { method = 'GET', headers } = incoming;
    const request_id = `req_${randomBytes(12).toString('hex')}`;
    const recorded: Recorded = { method, path, headers, raw, body: undefined, ended, request_id };
    const lists_models = method === 'GET' && path.split('?')[0] === '/v1/models';
    if (!lists_models) this.requests.push(recorded);
    response.setHeader('request-id', request_id);
    response.setHeader('anthropic-organization-id', 'org-of-the-model-server');
    try {
      const betas = checkHeaders(incoming, this.api_key);
      const route = `${method} ${path.split('?')[0]}`;
      if (raw.length > (this.#options.body_bytes_max ?? BODY_BYTES_MAX))
        throw new ApiError(413, 'request_too_large', 'Request exceeds the maximum allowed number of bytes.');
      if (lists_models) {
        sendJson(response, 200, { data: [], has_more: false, first_id: null, last_id: null });
      } else if (route === 'POST /v1/messages/count_tokens') {
        sendJson(response, 200, { input_tokens: count(readCountBody(raw, betas)) });
      } else if (route === 'POST /v1/messages') {
        const request = readMessagesBody(raw, betas, (parsed) => (recorded.body = parsed));
        const tokens = count(request);
        if (tokens > this.#context_tokens_max)
          throw invalid(`prompt is too long: ${tokens} tokens > ${this.#context_tokens_max} maximum`);
        await this.#answer(request, response);
      } else throw new ApiError(404, 'not_found_error', 'Not found');
    } catch (error) {
      sendError(response, error);
    } finally {
      this.#waiting.get(this.requests.indexOf(recorded))?.(recorded);
    }
  }

  async #answer(request: MessagesRequest, response: ServerResponse): Promise<void> {
    // A request that only fills the cache gets no turn.
    const turn =
      request.max_tokens === 0 && this.#faults.length === 0
        ? { stop_reason: 'max_tokens' as const, output_tokens: 0 }
        : await this.#next(request);
    if (isFault(turn)) {
      if (turn.fault === 'silence') return void (await once(response, 'close'));
      if (turn.fault !== 'status') throw new Error(`The fault '${turn.fault}' must be part of a turn.`);
      for (const [name, value] of Object.entries(turn.headers ?? {})) response.setHeader(name, value);
      throw new ApiError(turn.status, turn.type, turn.message);
    }
    const whole = responseTo(request, turn, this.#cache.use(request.model, segments(request), request.cache_control));
    for (const [name, value] of rateLimits()) response.setHeader(name, value);
    if (request.stream !== true) return sendJson(response, 200, toMessage(whole));
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
    response.flushHeaders();
    const frames = toStream(whole, this.#options.piece_chars ?? 20);
    const { blocks, stop_reason } = turn.raw ?? { blocks: [] };
    await writeFrames(response, withRawBlocks(frames, blocks, stop_reason), turn.fault, this.#closing.signal);
  }

  async #next(request: MessagesRequest): Promise<Turn | Fault> {
    const fault = this.#faults.shift();
    // A fault inside the stream needs a turn to stream; the next request gets the same turn again.
    if (fault && (fault.fault === 'status' || fault.fault === 'silence')) return fault;
    const n = fault ? this.#turns : this.#turns++;
    const entry = this.#options.handler ? await this.#options.handler(request, n) : this.#options.script?.[n];
    if (entry === undefined) throw new Error(`The script has ${n} turns and got one more request.`);
    const turn = typeof entry === 'function' ? entry(request) : entry;
    return fault && !isFault(turn) ? { ...turn, fault } : turn;
  }
}

/** Checks the headers; returns the betas that the request turns on. */
function checkHeaders({ method, headers }: IncomingMessage, api_key: string): string[] {
  const bearer = headers.authorization?.replace(/^Bearer /, '');
  if ((bearer ?? headers['x-api-key']) !== api_key)
    throw new ApiError(
      401,
      'authentication_error',
      bearer === undefined ? 'invalid x-api-key' : 'Invalid bearer token',
    );
  const version = headers['anthropic-version'];
  if (version === undefined) throw invalid('anthropic-version: header is required');
  if (!VERSIONS.includes(String(version)))
    throw invalid(`anthropic-version: "${String(version)}" is not a valid version`);
  if (method === 'POST' && headers['content-type']?.split(';')[0] !== 'application/json')
    throw invalid('content-type: must be application/json');
  return String(headers['anthropic-beta'] ?? '')
    .split(',')
    .map((beta) => beta.trim())
    .filter((beta) => beta !== '');
}

function rateLimits(): [string, string][] {
  const reset = new Date(Date.now() + 60_000).toISOString();
  return ['requests', 'input-tokens', 'output-tokens'].flatMap((kind): [string, string][] => [
    [`anthropic-ratelimit-${kind}-limit`, '4000'],
    [`anthropic-ratelimit-${kind}-remaining`, '3999'],
    [`anthropic-ratelimit-${kind}-reset`, reset],
  ]);
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy();
  const known =
    error instanceof ApiError ? error : new ApiError(500, 'api_error', `The model server failed: ${String(error)}`);
  const { type, message } = known;
  // An error in the test's script should not be retried.
  if (known !== error) response.setHeader('x-should-retry', 'false');
  sendJson(response, known.status, {
    type: 'error',
    error: { type, message },
    request_id: response.getHeader('request-id'),
  });
}

async function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
