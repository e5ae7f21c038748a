import { chmod, mkdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { ListenOptions } from 'node:net';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Via } from './fence.ts';

/** What serves the requests of all listeners; `via` is the one that a request came by. Neither rejects. */
export type Handlers = {
  request: (request: IncomingMessage, response: ServerResponse, via: Via) => void;
  connect: (request: IncomingMessage, socket: Duplex, head: Buffer, via: Via) => void;
};

/** A listener that is open. `close` takes no more, and cuts the connections that are left. */
export type Listening = { close: () => Promise<void> };

/** Workers keep their connections between heartbeats. */
const KEEP_ALIVE_MS = 120_000;
/** For the head of a request. A body has its own limit where it is read: a push may stream for long. */
const HEAD_MS = 10_000;
/** Connections that one worker may hold, and those that all workers of a TCP listener may. */
const WORKER_CONNECTIONS_MAX = 256;
const TCP_CONNECTIONS_MAX = 4096;

/**
 * Opens the socket that one worker reaches the coordinator by, in place of what is left there of an earlier process. Its directory may be
 * passed through, not listed; whoever is given the directory may connect, under any user id.
 */
export async function listenOnSocket(handlers: Handlers, path: string, worker: string): Promise<Listening> {
  await mkdir(dirname(path), { recursive: true });
  await chmod(dirname(path), 0o711);
  await rm(path, { force: true });
  const server = serve(handlers, { worker });
  await listen(server, { path });
  await chmod(path, 0o666);
  return { close: () => close(server) };
}

/** Opens a TCP listener; port 0 takes any that is free. */
export async function listenOnTcp(
  handlers: Handlers,
  host: string,
  port: number,
): Promise<Listening & { port: number }> {
  const server = serve(handlers, 'tcp');
  await listen(server, { host, port });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('A TCP listener has no port.');
  return { port: address.port, close: () => close(server) };
}

const connections = new WeakMap<Server, Set<Duplex>>();

function serve(handlers: Handlers, via: Via): Server {
  const server = createServer({
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEAD_MS,
    requestTimeout: 0,
    connectionsCheckingInterval: HEAD_MS / 2,
  });
  server.maxConnections = via === 'tcp' ? TCP_CONNECTIONS_MAX : WORKER_CONNECTIONS_MAX;
  const open = new Set<Duplex>();
  connections.set(server, open);
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  server.on('request', (request, response) => handlers.request(request, response, via));
  server.on('connect', (request, socket, head) => handlers.connect(request, socket, head, via));
  return server;
}

function listen(server: Server, where: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of connections.get(server) ?? []) socket.destroy();
  });
}
