import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { chmod, rm } from 'node:fs/promises';
import { connect, type AddressInfo, type ListenOptions } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkerProxy } from '../../../coordinator/worker-api/caller.ts';
import { proxyTokenOf, tokenOf } from '../../../coordinator/worker-api/credentials.ts';
import { BudgetSpent, writeLlmError } from '../../../coordinator/worker-api/model/error.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { toProblem } from '../../../protocol/problem-document.ts';
import { CONTRACT_HEADER, contractFault } from '../../../protocol/worker.ts';
import type { Assignment } from '../../../protocol/worker-schemas.ts';
import { Faults, type Fault } from './faults.ts';
import { MockTask } from './task.ts';

export type MockOptions = {
  /** The path of a unix socket to listen on. */
  socket_path?: string;
  /** The TCP port to listen on (0: any). Absent: none, if there is a socket. */
  port?: number;
  git?: WorkerProxy;
  llm?: WorkerProxy;
  /** The target of a CONNECT to this authority; null: refused. */
  connect?: (authority: string) => { host: string; port: number } | null;
  /** Called before a task's assignment is fetched. */
  beforeAssignment?: (task: MockTask) => Promise<void>;
  /** Runs the body of `POST /control` as a command. */
  control?: (line: string) => Promise<string>;
};

/** A coordinator without accounts, database or Docker: only the worker API, in memory. */
export class MockCoordinator {
  readonly tasks = new Map<string, MockTask>();
  readonly faults = new Faults();
  /** All calls, in order. `at`: when each had its answer, by the clock of `performance`. */
  readonly calls: { name: string; path: string; status: number; at: number }[] = [];
  readonly #options: MockOptions;
  #servers: Server[] = [];
  #port: number;
  readonly #tunnels = new Set<Duplex>();

  constructor(options: MockOptions = {}) {
    this.#options = options;
    this.#port = options.port ?? 0;
  }

  /** The value of ERRAND_COORDINATOR: the socket, if there is one. */
  get address(): string {
    const { socket_path } = this.#options;
    return socket_path === undefined ? this.origin : `unix:${socket_path}`;
  }

  /** Its address over TCP. */
  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  addTask(given: Partial<Assignment> = {}): MockTask {
    const task = new MockTask(given);
    this.tasks.set(task.id, task);
    return task;
  }

  /** Starts to listen; after `stop`, at the same address as before. */
  async start(): Promise<void> {
    const { socket_path, port } = this.#options;
    if (socket_path !== undefined) {
      await rm(socket_path, { force: true });
      await this.#listen({ path: socket_path });
      await chmod(socket_path, 0o666);
    }
    if (socket_path !== undefined && port === undefined) return;
    const server = await this.#listen({ port: this.#port, host: '127.0.0.1' });
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Closes all connections and stops listening. The tasks stay. */
  async stop(): Promise<void> {
    const servers = this.#servers;
    this.#servers = [];
    const closed = servers.map((server) => once(server, 'close'));
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
    for (const socket of this.#tunnels) socket.destroy();
    await Promise.all(closed);
  }

  async #listen(where: ListenOptions): Promise<Server> {
    const server = createServer((request, response) => void this.#answer(request, response));
    server.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#tunnels.add(socket);
      socket.once('close', () => this.#tunnels.delete(socket));
      this.#tunnel(request, socket, head);
    });
    server.listen(where);
    await once(server, 'listening');
    this.#servers.push(server);
    return server;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/control') return this.#control(request, response);
    const { task_id, name, rest } = route(request.url ?? '');
    response.once('close', () => {
      const { statusCode: status } = response;
      this.calls.push({ name, path: request.url ?? '', status, at: performance.now() });
    });
    const fault = this.faults.take(name);
    if (fault !== undefined && (await inject(fault, response))) return;
    try {
      const task = this.tasks.get(task_id);
      if (task === undefined) throw new ErrandError('not_found', 'There is no such task.');
      const attempt = task.authenticate(tokenOf(request), name);
      const proxy = name === 'git' ? this.#options.git : name === 'llm' ? this.#options.llm : undefined;
      if (proxy !== undefined) return await forward(proxy, request, response, task, attempt, rest);
      if (name === 'attachments') {
        const file = task.files.get(rest.slice(1));
        if (file === undefined) throw new ErrandError('not_found', 'The task has no such attachment.');
        return void response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(file);
      }
      const reply = await this.#reply(task, name, request, attempt);
      if (fault?.kind === 'lose') return void response.destroy();
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(reply));
    } catch (error) {
      if (response.headersSent) return void response.destroy();
      const problem = toProblem(error);
      if (problem.code === 'internal') console.error(error);
      // Git sends the password of an address only when it is asked to.
      if (problem.status === 401) response.setHeader('www-authenticate', 'Basic realm="errand"');
      response.writeHead(problem.status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
    }
  }

  async #control(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { control = () => Promise.reject(new Error('This mock has no commands.')) } = this.#options;
    await readText(request)
      .then(control)
      .then(
        (output) => response.writeHead(200).end(`${output}\n`),
        (error: unknown) => response.writeHead(400).end(`${error instanceof Error ? error.message : 'It failed.'}\n`),
      );
  }

  async #reply(task: MockTask, name: string, request: IncomingMessage, attempt: number): Promise<unknown> {
    const fault = contractFault(Number(request.headers[CONTRACT_HEADER] ?? 1));
    if (fault !== null) throw new ErrandError('forbidden', fault);
    if (name === 'assignment' && request.method === 'GET') {
      await this.#options.beforeAssignment?.(task);
      return task.assignment();
    }
    const done = name === 'events' ? task.beginEventsPost() : () => {};
    try {
      return task.callback(name, await readJson(request), attempt);
    } finally {
      done();
    }
  }

  #tunnel(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const authority = request.url ?? '';
    const refuse = (status: string) => socket.end(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`);
    socket.on('error', () => socket.destroy());
    if (this.faults.take('connect') !== undefined) return void socket.destroy();
    const token = proxyTokenOf(request);
    if (![...this.tasks.values()].some((task) => task.tokens.has(token ?? '')))
      return void refuse('407 Proxy Authentication Required');
    const target = this.#options.connect?.(authority) ?? null;
    this.calls.push({ name: 'connect', path: authority, status: target ? 200 : 403, at: performance.now() });
    if (target === null) return void refuse('403 Forbidden');
    const far = connect(target.port, target.host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      far.write(head);
      Promise.all([pipeline(far, socket), pipeline(socket, far)]).catch(() => socket.destroy());
    });
    far.once('error', () => refuse('502 Bad Gateway'));
  }
}

/** Splits a call's URL into the task, the name of the call and the rest. */
function route(url: string): { task_id: string; name: string; rest: string } {
  const [, task_id = '', name = '', rest = ''] = /^\/internal\/tasks\/([^/]+)\/([a-z]+)(.*)$/.exec(url) ?? [];
  return { task_id, name, rest };
}

/** Applies a fault. True: the call needs no further handling. */
async function inject(fault: Fault, response: ServerResponse): Promise<boolean> {
  switch (fault.kind) {
    case 'delay':
      await sleep(fault.ms);
      return false;
    case 'lose':
      return false;
    case 'hang':
      return true;
    case 'cut':
      response.destroy();
      return true;
    case 'budget':
      writeLlmError(response, new BudgetSpent('The budget of the task is spent.', 0), 'mock');
      return true;
    case 'fail': {
      const retry = fault.retry_after_s === undefined ? {} : { 'retry-after': String(fault.retry_after_s) };
      response.writeHead(fault.status, retry).end('This is an injected fault.');
      return true;
    }
  }
}

async function forward(
  proxy: WorkerProxy,
  request: IncomingMessage,
  response: ServerResponse,
  task: MockTask,
  attempt: number,
  path: string,
): Promise<void> {
  const signal = new AbortController().signal;
  try {
    await proxy.forward(request, response, { task_id: task.id, user_id: task.id, attempt, signal }, path);
  } catch (error) {
    if (response.headersSent || proxy.writeError === undefined) throw error;
    proxy.writeError(response, error, 'mock');
  }
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > LIMITS.callback_body_bytes_max) throw new ErrandError('too_large', 'The body is too large.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  try {
    return JSON.parse(await readText(request)) as unknown;
  } catch (error) {
    if (error instanceof ErrandError) throw error;
    throw new ErrandError('invalid', 'The body is not JSON.');
  }
}
