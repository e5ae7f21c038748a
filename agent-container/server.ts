import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, rm } from 'node:fs/promises';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { LIMITS } from '../protocol/limits.ts';
import { ErrandError, parse } from '../protocol/problem.ts';
import { toProblem } from '../protocol/problem-document.ts';
import {
  CancelPush,
  MessagesPush,
  type Assignment,
  type Message,
  type WorkerHealth,
  type WorkerStatus,
} from '../protocol/worker-schemas.ts';
import { parseAssignment } from './base/assignment.ts';
import type { Address } from './config.ts';

const CONNECTIONS_MAX = 64;
const REQUEST_MS = 30_000;
/** Whether a caller may connect is decided by the socket's directory; the coordinator is another user. */
const SOCKET_MODE = 0o666;

/**
 * What the server gives access to. `assign`, `deliver` and `cancel` reject with `conflict` if the state does not allow
 * them.
 */
type WorkerApi = {
  health: WorkerHealth;
  status: () => WorkerStatus;
  /** The tokens that a caller over TCP may use. Empty before there is a task: then there is nothing to protect. */
  tokens: () => string[];
  assign: (assignment: Assignment) => Promise<void>;
  deliver: (messages: Message[]) => Promise<void>;
  cancel: (reason: string) => Promise<void>;
};

type Reply = { status: number; body: unknown };

type Route = {
  method: 'GET' | 'POST';
  bytes_max: number;
  handle: (api: WorkerApi, body: unknown) => Reply | Promise<Reply>;
};

const get = (read: (api: WorkerApi) => unknown): Route => ({
  method: 'GET',
  bytes_max: 0,
  handle: (api) => ({ status: 200, body: read(api) }),
});

const post = <T>(
  bytes_max: number,
  parseBody: (body: unknown) => T,
  handle: (api: WorkerApi, body: T) => Promise<void>,
): Route => ({
  method: 'POST',
  bytes_max,
  handle: async (api, body) => {
    await handle(api, parseBody(body));
    return { status: 202, body: {} };
  },
});

const ROUTES: Record<string, Route | undefined> = {
  '/healthz': get((api) => api.health),
  '/status': get((api) => api.status()),
  '/task': post(LIMITS.assignment_bytes_max, parseAssignment, (api, assignment) => api.assign(assignment)),
  '/messages': post(
    LIMITS.callback_body_bytes_max,
    (body) => parse(MessagesPush, body),
    (api, { messages }) => api.deliver(messages),
  ),
  '/cancel': post(
    LIMITS.request_body_bytes_max,
    (body) => parse(CancelPush, body),
    (api, { reason }) => api.cancel(reason),
  ),
};

/** The worker's HTTP server, which the coordinator calls. */
export class WorkerServer {
  readonly #listen: Address;
  readonly #api: WorkerApi;
  readonly #server: http.Server;

  constructor(listen: Address, api: WorkerApi) {
    this.#listen = listen;
    this.#api = api;
    const timeouts = { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS };
    this.#server = http.createServer(timeouts, (request, response) => void this.#serve(request, response));
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  /** Listens. A socket that a dead process left is replaced. */
  async start(): Promise<void> {
    if (this.#listen.kind === 'tcp') {
      await once(this.#server.listen(this.#listen.port, this.#listen.host), 'listening');
      return;
    }
    const { path } = this.#listen;
    await mkdir(dirname(path), { recursive: true });
    await rm(path, { force: true });
    await once(this.#server.listen(path), 'listening');
    await chmod(path, SOCKET_MODE);
  }

  /** Where it listens: with the port that the system chose, if the port was 0. */
  get address(): Address {
    const bound = this.#server.address();
    if (this.#listen.kind === 'unix' || typeof bound !== 'object' || bound === null) return this.#listen;
    return { ...this.#listen, port: bound.port };
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { status, body } = await this.#route(request);
      send(response, status, 'application/json', body);
    } catch (error) {
      const problem = toProblem(error);
      // The rest of a body that was not read is not waited for.
      if (!request.complete) response.setHeader('connection', 'close');
      send(response, problem.status, 'application/problem+json', problem);
    }
  }

  async #route(request: IncomingMessage): Promise<Reply> {
    const path = request.url?.split('?')[0] ?? '';
    const route = ROUTES[path];
    if (route === undefined) throw new ErrandError('not_found', `A worker has no ${path}.`);
    if (request.method !== route.method)
      throw new ErrandError('method_not_allowed', `${path} must be called with ${route.method}.`);
    // Before it has a task, a worker takes one from whoever can call it: from no web page in a browser of that machine.
    if (request.headers.origin !== undefined)
      throw new ErrandError('forbidden', 'A worker takes no requests from web pages.');
    if (this.#listen.kind === 'tcp' && path !== '/healthz') requireToken(this.#api.tokens(), request);
    const body = route.bytes_max === 0 ? undefined : await readJson(request, route.bytes_max);
    return route.handle(this.#api, body);
  }
}

function requireToken(tokens: string[], request: IncomingMessage): void {
  const given = /^bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  if (tokens.length > 0 && !tokens.some((token) => isSame(token, given)))
    throw new ErrandError('unauthenticated', "This call needs the task's token as its bearer token.");
}

const isSame = (a: string, b: string) =>
  timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());

async function readJson(request: IncomingMessage, bytes_max: number): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytes_max) throw new ErrandError('too_large', `The body is above ${bytes_max} bytes.`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch (error) {
    throw new ErrandError('invalid', 'The body is not JSON.', { cause: error });
  }
}

function send(response: ServerResponse, status: number, type: string, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) }).end(text);
}
