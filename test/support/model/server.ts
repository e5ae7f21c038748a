import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { toMessage, toStream } from '../../../coordinator/demo/message-stream.ts';
import { ApiError, invalid } from './api-error.ts';
import { PromptCache } from './cache.ts';
import { checkSignatures, segments, tokensOf } from './conversation.ts';
import { CountRequest, MessagesRequest, read } from './request.ts';
import { checkMaxTokens, checkRequest } from './rules.ts';
import { answerTo, isFault, type Fault, type Turn } from './script.ts';

export { faults, type Fault, type Turn } from './script.ts';
export type { MessagesRequest } from './request.ts';

/** A request that came. `body` is undefined where it was refused for its form; `ended` resolves with how it went out. */
export type Recorded = {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  raw: Buffer;
  body: MessagesRequest | undefined;
  ended: Promise<'finished' | 'aborted'>;
  /** The `request-id` of its answer. */
  request_id: string;
};

/** One entry of a script: what to say, what to fail with, or a function that decides by the request. */
export type Entry = Turn | Fault | ((request: MessagesRequest) => Turn | Fault);

export type ModelOptions = {
  /** An entry for each request that is in order, one after the other. Past its end the stand-in answers 500 and says so. */
  script?: Entry[];
  /** In place of a script: every request's turn. `n` counts from 0. */
  handler?: (request: MessagesRequest, n: number) => Turn | Fault;
  /** The key that is taken, as `Authorization: Bearer` or `x-api-key`. */
  api_key?: string;
  context_tokens_max?: number;
  /** How many characters a text delta holds. */
  piece_chars?: number;
};

export type ModelServer = {
  base_url: string;
  api_key: string;
  /** All that came, in order. */
  requests: Recorded[];
  /** Resolves with request number `n`, counted from 0, once it is there. */
  request: (n: number) => Promise<Recorded>;
  /** The next requests fail this way, ahead of the script, which does not move on. */
  fail: (...next: Fault[]) => void;
  close: () => Promise<void>;
};

const VERSIONS = ['2026-10-21', '2023-06-01'];
const BODY_BYTES_MAX = 32 * 1024 * 1024;

/** A stand-in for the Claude API on a free port: as strict as the real one, with its wire details and, on demand, its faults. */
export async function startModel(options: ModelOptions = {}): Promise<ModelServer> {
  const api_key = options.api_key ?? 'sk-ant-test-key';
  const context_tokens_max = options.context_tokens_max ?? 1_000_000;
  const requests: Recorded[] = [];
  const waiting = new Map<number, (recorded: Recorded) => void>();
  const pending: Fault[] = [];
  const cache = new PromptCache();
  const closing = new AbortController();
  let turns = 0;

  const next = (request: MessagesRequest): Turn | Fault => {
    const fault = pending.shift();
    // A fault inside the stream needs something to stream: the turn that is due comes again with the next request.
    if (fault && (fault.fault === 'status' || fault.fault === 'silence')) return fault;
    const n = fault ? turns : turns++;
    const entry = options.handler ? options.handler(request, n) : options.script?.[n];
    if (entry === undefined) throw new Error(`The script has ${n} turns, and this request wants one more.`);
    const turn = typeof entry === 'function' ? entry(request) : entry;
    return fault && !isFault(turn) ? { ...turn, fault } : turn;
  };

  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = incoming.url ?? '/';
    const { promise: ended, resolve } = Promise.withResolvers<'finished' | 'aborted'>();
    response.once('close', () => resolve(response.writableFinished ? 'finished' : 'aborted'));
    const raw = await readAll(incoming);
    const { method = 'GET', headers } = incoming;
    const request_id = `req_${randomBytes(12).toString('hex')}`;
    const recorded: Recorded = { method, path, headers, raw, body: undefined, ended, request_id };
    requests.push(recorded);
    response.setHeader('request-id', request_id);
    response.setHeader('anthropic-organization-id', 'org-of-the-stand-in');
    try {
      const betas = checkHeaders(incoming, api_key);
      const route = `${method} ${path.split('?')[0]}`;
      if (raw.length > BODY_BYTES_MAX)
        throw new ApiError(413, 'request_too_large', 'Request exceeds the maximum allowed number of bytes.');
      if (route === 'POST /v1/messages/count_tokens') {
        const request = read(CountRequest, json(raw));
        check(request, betas);
        sendJson(response, 200, { input_tokens: count(request) });
      } else if (route === 'POST /v1/messages') {
        const request = read(MessagesRequest, json(raw));
        recorded.body = request;
        checkMaxTokens(request);
        check(request, betas);
        const tokens = count(request);
        if (tokens > context_tokens_max)
          throw invalid(`prompt is too long: ${tokens} tokens > ${context_tokens_max} maximum`);
        await answer(request, response);
      } else throw new ApiError(404, 'not_found_error', 'Not found');
    } catch (error) {
      sendError(response, error);
    } finally {
      waiting.get(requests.indexOf(recorded))?.(recorded);
    }
  };

  const answer = async (request: MessagesRequest, response: ServerResponse): Promise<void> => {
    const turn = next(request);
    if (isFault(turn)) {
      if (turn.fault === 'silence') return void (await once(response, 'close'));
      if (turn.fault !== 'status') throw new Error(`The fault '${turn.fault}' needs a turn: give it as the turn's.`);
      for (const [name, value] of Object.entries(turn.headers ?? {})) response.setHeader(name, value);
      throw new ApiError(turn.status, turn.type, turn.message);
    }
    const whole = answerTo(request, turn, cache.use(request.model, segments(request), request.cache_control));
    for (const [name, value] of rateLimits()) response.setHeader(name, value);
    if (request.stream !== true) return sendJson(response, 200, toMessage(whole));
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
    response.flushHeaders();
    await stream(response, toStream(whole, options.piece_chars ?? 20), turn.fault, closing.signal);
  };

  const server = createServer((incoming, response) => {
    serve(incoming, response).catch(() => response.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    base_url: `http://127.0.0.1:${port}`,
    api_key,
    requests,
    request: async (n) => requests[n] ?? new Promise((resolve) => waiting.set(n, resolve)),
    fail: (...more) => void pending.push(...more),
    close: async () => {
      closing.abort();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function check(request: CountRequest, betas: string[]): void {
  if (!request.model.startsWith('claude-')) throw new ApiError(404, 'not_found_error', `model: ${request.model}`);
  checkRequest(request, betas);
  checkSignatures(request);
}

/** The betas that the request turns on. */
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

function json(raw: Buffer): unknown {
  let body: unknown;
  try {
    body = JSON.parse(raw.toString('utf8'));
  } catch {
    throw invalid('The request body is not valid JSON');
  }
  for (const name of ['temperature', 'top_p', 'top_k'])
    if (typeof body === 'object' && body !== null && name in body) throw invalid(`${name}: is no longer supported`);
  return body;
}

function count(request: CountRequest): number {
  return segments(request).reduce((sum, part) => sum + tokensOf(part.text), 0);
}

function rateLimits(): [string, string][] {
  const reset = new Date(Date.now() + 60_000).toISOString();
  return ['requests', 'input-tokens', 'output-tokens'].flatMap((kind): [string, string][] => [
    [`anthropic-ratelimit-${kind}-limit`, '4000'],
    [`anthropic-ratelimit-${kind}-remaining`, '3999'],
    [`anthropic-ratelimit-${kind}-reset`, reset],
  ]);
}

/** Writes the frames as far as the fault lets them. */
async function stream(
  response: ServerResponse,
  frames: Iterable<string>,
  fault: Fault | undefined,
  closing: AbortSignal,
): Promise<void> {
  let events = 0;
  let room = fault && 'at_byte' in fault ? fault.at_byte : Infinity;
  for (const frame of frames) {
    if (response.destroyed) return;
    if (fault?.fault === 'drip') await pause(fault.pause_ms, undefined, { signal: closing });
    if (fault?.fault === 'error_event' && events === fault.after_events) {
      const { type, message } = fault;
      response.end(
        `event: error\ndata: ${JSON.stringify({ type: 'error', error: { type, message, details: null } })}\n\n`,
      );
      return;
    }
    const bytes = Buffer.from(frame);
    if (bytes.length > room) {
      await new Promise((resolve) => response.write(bytes.subarray(0, room), resolve));
      if (fault?.fault === 'cut') response.destroy();
      else if (fault?.fault === 'end') response.end();
      else await once(response, 'close');
      return;
    }
    room -= bytes.length;
    events++;
    if (!response.write(bytes)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }
  response.end();
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy();
  const known =
    error instanceof ApiError ? error : new ApiError(500, 'api_error', `The stand-in failed: ${String(error)}`);
  const { type, message } = known;
  // A mistake of the test's script is not worth the client's retries.
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
