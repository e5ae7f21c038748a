import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ERROR_STATUS, type ErrorCode } from '../protocol/problem.ts';
import type { CoordinatorClient } from './coordinator-client.ts';

const CONNECTIONS_MAX = 256;
const SILENCE_MS = 300_000;
const CONNECT_MS = 60_000;
/** How long a refused client may take to close its side of the connection. */
const CLOSE_MS = 2_000;

/** What a git request came back with, where it failed. `code` is from the header `errand-error`, if it was there. */
export type GitRefusal = { status: number; code: ErrorCode | null };

export type Forwarder = {
  /** `http://127.0.0.1:<port>`: the value of HTTPS_PROXY. */
  url: string;
  /** The task's repository, for git. */
  git_url: string;
  /** Forgets what git requests came back with, and gives the newest refusal since the last time. */
  takeGitRefusal: () => GitRefusal | null;
  close: () => Promise<void>;
};

const UNREACHABLE = 'The coordinator could not be reached.\n';

/** Headers that belong to one connection, or that the worker sets itself. */
const NOT_CARRIED = new Set([
  'authorization',
  'connection',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * The way out for git and for commands: a server on the worker's own loopback that carries `/git/…` and CONNECT to the coordinator, and adds the
 * task's token there. So no command has to know the token, and every tool that knows HTTPS_PROXY works.
 */
export async function startForwarder(client: CoordinatorClient): Promise<Forwarder> {
  let refusal: GitRefusal | null = null;
  const agent = agentFor(client);
  const server = http.createServer({ requestTimeout: 0 }, (request, response) => {
    carryGit(client, agent, request, response, (seen) => (refusal = seen)).catch(() => response.destroy());
  });
  const tunnels = new Set<Duplex>();
  server.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    tunnels.add(socket);
    socket.once('close', () => tunnels.delete(socket));
    // The HTTP server no longer listens for errors of this socket, and one that nobody listens for would end the worker.
    socket.on('error', () => socket.destroy());
    try {
      carryTunnel(client, request.url ?? '', socket, head);
    } catch {
      refuseTunnel(socket);
    }
  });
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    git_url: `${url}/git`,
    takeGitRefusal: () => {
      const seen = refusal;
      refusal = null;
      return seen;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        agent.destroy();
        for (const socket of tunnels) socket.destroy();
      }),
  };
}

async function carryGit(
  client: CoordinatorClient,
  agent: http.Agent,
  request: IncomingMessage,
  response: ServerResponse,
  onRefusal: (refusal: GitRefusal) => void,
): Promise<void> {
  const path = request.url ?? '/';
  if (!path.startsWith('/git/')) {
    // A proxy is asked for plain http:// with the whole address as the path.
    request.resume();
    const words = path.startsWith('/')
      ? 'Nothing is here.\n'
      : 'Plain http:// is not carried: only https://, through CONNECT.\n';
    response.writeHead(path.startsWith('/') ? 404 : 403, { 'content-type': 'text/plain' }).end(words);
    return;
  }
  const upstream = toCoordinator(client, {
    method: request.method ?? 'GET',
    path: `${client.path}${path}`,
    headers: { ...carried(request.headers), authorization: `Bearer ${client.token}` },
    agent,
  });
  try {
    response.once('close', () => upstream.destroy());
    pipeline(request, upstream).catch((error: Error) => upstream.destroy(error));
    // The answer may come before all was sent: a push that is refused by its first lines.
    const answer = await answerOf(upstream);
    const status = answer.statusCode ?? 502;
    if (status >= 400) onRefusal({ status, code: errorCode(answer.headers['errand-error']) });
    response.writeHead(status, carried(answer.headers));
    await pipeline(answer, response);
  } catch {
    upstream.destroy();
    onRefusal({ status: 502, code: 'upstream_unreachable' });
    if (response.headersSent) response.destroy();
    else response.writeHead(502, { 'content-type': 'text/plain' }).end(UNREACHABLE);
  }
}

function carryTunnel(client: CoordinatorClient, authority: string, socket: Duplex, head: Buffer): void {
  const upstream = toCoordinator(client, {
    method: 'CONNECT',
    path: authority,
    headers: { host: authority, 'proxy-authorization': `Bearer ${client.token}` },
    timeout: CONNECT_MS,
    agent: false,
  });
  socket.once('close', () => upstream.destroy());
  upstream.once('timeout', () => upstream.destroy(new Error('The coordinator did not answer in time.')));
  upstream.once('error', () => refuseTunnel(socket));
  upstream.once('connect', (answer: IncomingMessage, far: Duplex, far_head: Buffer) => {
    // Granted or refused: what comes after the head is passed on as it is.
    socket.write(headOf(answer));
    if (far_head.length > 0) socket.write(far_head);
    if (head.length > 0) far.write(head);
    Promise.all([pipeline(far, socket), pipeline(socket, far)]).catch(() => {
      far.destroy();
      socket.destroy();
    });
  });
  upstream.end();
}

/** Answers on the raw socket, and cuts a client that keeps its side open. */
function refuseTunnel(socket: Duplex): void {
  const cut = setTimeout(() => socket.destroy(), CLOSE_MS);
  socket.once('close', () => clearTimeout(cut));
  socket.resume();
  const length = Buffer.byteLength(UNREACHABLE);
  socket.end(`HTTP/1.1 502 Bad Gateway\r\ncontent-length: ${length}\r\nconnection: close\r\n\r\n${UNREACHABLE}`);
}

function headOf(answer: IncomingMessage): string {
  const lines = [`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}`];
  for (let i = 0; i < answer.rawHeaders.length; i += 2)
    lines.push(`${answer.rawHeaders[i]}: ${answer.rawHeaders[i + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** Connections that are kept: one that is closed after its answer can take an early answer with it. A tunnel has its own. */
function agentFor({ address }: CoordinatorClient): http.Agent {
  return new (address.origin.startsWith('https:') ? https : http).Agent({ keepAlive: true, timeout: SILENCE_MS });
}

function toCoordinator({ address }: CoordinatorClient, options: http.RequestOptions): http.ClientRequest {
  const { protocol, hostname, port } = new URL(address.origin);
  const { request } = protocol === 'https:' ? https : http;
  const where = address.socket_path === null ? { hostname, port } : { socketPath: address.socket_path };
  return request({ timeout: SILENCE_MS, ...options, ...where });
}

function answerOf(upstream: http.ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    upstream.once('response', resolve);
    upstream.once('error', reject);
    upstream.once('timeout', () => upstream.destroy(new Error('The coordinator was silent for too long.')));
  });
}

function carried(headers: http.IncomingHttpHeaders): http.OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !NOT_CARRIED.has(name)));
}

function errorCode(header: string | string[] | undefined): ErrorCode | null {
  const isCode = (value: unknown): value is ErrorCode =>
    typeof value === 'string' && Object.hasOwn(ERROR_STATUS, value);
  return isCode(header) ? header : null;
}
