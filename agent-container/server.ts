import { createHash, timingSafeEqual } from 'node:crypto';
import { chmod, mkdir, rm } from 'node:fs/promises';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { LIMITS } from '../protocol/limits.ts';
import { ErrandError, parse, toProblem } from '../protocol/problem.ts';
import {
  CancelPush,
  MessagesPush,
  type Assignment,
  type Message,
  type WorkerHealth,
  type WorkerStatus,
} from '../protocol/worker.ts';
import { readAssignment } from './base/assignment.ts';
import type { Address } from './config.ts';

const CONNECTIONS_MAX = 64;
const REQUEST_MS = 30_000;

/** What stands behind the server. Each of the last three rejects with `conflict` where the worker's state does not allow it. */
export type Door = {
  health: WorkerHealth;
  status: () => WorkerStatus;
  /** The tokens that a caller over TCP may bear; none: there is no task yet, and nothing to protect. */
  tokens: () => string[];
  take: (assignment: Assignment) => Promise<void>;
  say: (messages: Message[]) => Promise<void>;
  cancel: (reason: string) => Promise<void>;
};

export type WorkerServer = { address: Address; close: () => Promise<void> };

/** Listens for the coordinator: on a socket, anew where a dead process left one, or on TCP (port 0: any free one, see `address`). */
export async function startServer(listen: Address, door: Door): Promise<WorkerServer> {
  const server = http.createServer({ requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS }, (request, response) => {
    void answer(door, listen.kind === 'tcp', request, response);
  });
  server.maxConnections = CONNECTIONS_MAX;
  if (listen.kind === 'unix') {
    await mkdir(dirname(listen.path), { recursive: true });
    await rm(listen.path, { force: true });
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    if (listen.kind === 'unix') server.listen(listen.path, resolve);
    else server.listen(listen.port, listen.host, resolve);
  });
  // The coordinator is another user; who may come here is settled by the folder.
  if (listen.kind === 'unix') await chmod(listen.path, 0o666);
  const bound = server.address();
  return {
    address: listen.kind === 'tcp' && typeof bound === 'object' && bound ? { ...listen, port: bound.port } : listen,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  door: Door,
  over_tcp: boolean,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const { status, body } = await route(door, over_tcp, request);
    send(response, status, 'application/json', body);
  } catch (error) {
    const problem = toProblem(error);
    // Whatever of the body is still on its way is not waited for.
    if (!request.complete) response.setHeader('connection', 'close');
    send(response, problem.status, 'application/problem+json', problem);
  }
}

type Answer = { status: number; body: unknown };

async function route(door: Door, over_tcp: boolean, request: IncomingMessage): Promise<Answer> {
  const path = request.url?.split('?')[0] ?? '';
  const route = ROUTES[path];
  if (route === undefined) throw new ErrandError('not_found', `A worker has no ${path}.`);
  if (request.method !== route.method)
    throw new ErrandError('method_not_allowed', `${path} is asked for with ${route.method}.`);
  if (over_tcp && path !== '/healthz') requireToken(door, request);
  const body = route.bytes_max === 0 ? undefined : await readJson(request, route.bytes_max);
  return route.handle(door, body);
}

type Route = {
  method: 'GET' | 'POST';
  bytes_max: number;
  handle: (door: Door, body: unknown) => Answer | Promise<Answer>;
};

const accepted: Answer = { status: 202, body: {} };

const ROUTES: Record<string, Route | undefined> = {
  '/healthz': { method: 'GET', bytes_max: 0, handle: (door) => ({ status: 200, body: door.health }) },
  '/status': { method: 'GET', bytes_max: 0, handle: (door) => ({ status: 200, body: door.status() }) },
  '/task': {
    method: 'POST',
    bytes_max: LIMITS.assignment_bytes_max,
    handle: async (door, body) => {
      await door.take(readAssignment(body));
      return accepted;
    },
  },
  '/messages': {
    method: 'POST',
    bytes_max: LIMITS.callback_body_bytes_max,
    handle: async (door, body) => {
      await door.say(parse(MessagesPush, body).messages);
      return accepted;
    },
  },
  '/cancel': {
    method: 'POST',
    bytes_max: LIMITS.request_body_bytes_max,
    handle: async (door, body) => {
      await door.cancel(parse(CancelPush, body).reason);
      return accepted;
    },
  },
};

function requireToken(door: Door, request: IncomingMessage): void {
  const tokens = door.tokens();
  const given = /^bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  if (tokens.length > 0 && !tokens.some((token) => isSame(token, given)))
    throw new ErrandError('unauthenticated', "This call bears the task's token.");
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
