import { chmod, mkdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { ListenOptions } from 'node:net';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { ConnectionLimit } from '../base/connection-limit.ts';
import { within } from '../base/deadline.ts';
import type { ListenerId } from './fence.ts';

/**
 * Handles the requests of all listeners. `listener` is the one that received the request. The returned promises never
 * reject.
 */
export type Handlers = {
  /**
   * Returns a promise where the listener must not close before the request was answered; it waits for `CLOSE_WAIT_MS`
   * at most.
   */
  request: (request: IncomingMessage, response: ServerResponse, listener: ListenerId) => Promise<void> | undefined;
  connect: (request: IncomingMessage, socket: Duplex, head: Buffer, listener: ListenerId) => void;
};

/** How long an idle connection stays open. Workers keep theirs between heartbeats. */
const KEEP_ALIVE_MS = 120_000;
/**
 * How long a client may take to send a request head. Bodies have their own limits where they are read: a push may
 * stream for long.
 */
const HEAD_MS = 10_000;
/** How long a closing listener waits for the callbacks in flight. */
const CLOSE_WAIT_MS = 1_000;
const SOCKET_CONNECTIONS_MAX = 256;
const TCP_CONNECTIONS_MAX = 4096;
/** The connections of one address that have sent no request yet. */
const SILENT_CONNECTIONS_MAX = 256;

/** One HTTP server for workers. */
export class Listener {
  readonly #server: Server;
  readonly #connections = new Set<Duplex>();
  readonly #in_flight = new Set<Promise<void>>();

  constructor(handlers: Handlers, id: ListenerId) {
    this.#server = createServer({
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: HEAD_MS,
      requestTimeout: 0,
      connectionsCheckingInterval: HEAD_MS / 2,
    });
    this.#server.maxConnections = id === 'tcp' ? TCP_CONNECTIONS_MAX : SOCKET_CONNECTIONS_MAX;
    // Node's own list of connections leaves out those that became tunnels.
    this.#server.on('connection', (socket) => {
      this.#connections.add(socket);
      socket.once('close', () => this.#connections.delete(socket));
    });
    const limit = new ConnectionLimit(this.#server, SILENT_CONNECTIONS_MAX);
    this.#server.on('request', (request, response) => {
      limit.release(request.socket);
      const served = handlers.request(request, response, id);
      if (!served) return;
      this.#in_flight.add(served);
      void served.finally(() => this.#in_flight.delete(served));
    });
    this.#server.on('connect', (request, socket, head) => {
      limit.release(socket);
      handlers.connect(request, socket, head, id);
    });
  }

  /** The TCP port. Throws for a unix socket. */
  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('The listener has no TCP port.');
    return address.port;
  }

  /** Starts to listen. Rejects where the address is in use or not allowed. */
  listen(where: ListenOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(where, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  /** Waits until the callbacks in flight are stored and answered, then closes the server and all its connections. */
  async close(): Promise<void> {
    await within(CLOSE_WAIT_MS, Promise.all(this.#in_flight));
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#connections) socket.destroy();
    });
  }
}

/**
 * Opens the unix socket through which one worker reaches the coordinator. It replaces a socket that an earlier process
 * left. The mode of its directory lets others pass through but not list it, so whoever is given the directory can
 * connect, under any user id.
 */
export async function listenOnSocket(handlers: Handlers, path: string, worker: string): Promise<Listener> {
  await mkdir(dirname(path), { recursive: true });
  await chmod(dirname(path), 0o711);
  await rm(path, { force: true });
  const listener = new Listener(handlers, { worker });
  await listener.listen({ path });
  await chmod(path, 0o666);
  return listener;
}

/** Opens a TCP listener. Port 0 picks a free port. */
export async function listenOnTcp(handlers: Handlers, host: string, port: number): Promise<Listener> {
  const listener = new Listener(handlers, 'tcp');
  await listener.listen({ host, port });
  return listener;
}
