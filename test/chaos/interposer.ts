import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, renameSync, statSync } from 'node:fs';
import { createServer, request as call, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { COORDINATOR_SOCKET } from '../../protocol/worker.ts';

/** An intercepted callback. */
export type Passing = {
  /** Sends it to the coordinator. Each call sends it again. */
  send: () => Promise<CallbackResponse>;
  /** Sends a response to the worker. */
  reply: (response: CallbackResponse) => void;
  /** Breaks the worker's connection. */
  cut: () => void;
};
type CallbackResponse = { status: number; headers: IncomingMessage['headers']; body: Buffer };

const LOOK_MS = 15;
const CALLBACK = /^\/internal\/tasks\/[^/]+\/(events|heartbeat|result)$/;

/**
 * A proxy between workers and the coordinator: in each worker's directory it replaces the coordinator's socket by its
 * own, also after a restart of the coordinator. Callbacks go through `pass`; everything else is forwarded unchanged.
 */
export class Interposer {
  pass: (passing: Passing) => Promise<void> = async ({ send, reply }) => reply(await send());
  /** The number of intercepted callbacks. */
  seen = 0;
  /** Whether all connections are refused. */
  #shut = false;
  readonly #workers: string;
  readonly #timer: NodeJS.Timeout;
  readonly #servers = new Map<string, Server>();
  /** The inodes of our own sockets. */
  readonly #own = new Set<number>();
  #made = 0;

  constructor(data_dir: string) {
    this.#workers = join(data_dir, 'workers');
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const server of this.#servers.values()) close(server);
  }

  /** Breaks all connections and refuses new ones, until `open`. */
  shut(): void {
    this.#shut = true;
    for (const server of this.#servers.values()) server.closeAllConnections();
  }

  open(): void {
    this.#shut = false;
  }

  #look(): void {
    if (!existsSync(this.#workers)) return;
    for (const name of readdirSync(this.#workers)) {
      const dir = join(this.#workers, name, 'coordinator');
      const path = join(dir, COORDINATOR_SOCKET);
      try {
        if (this.#own.has(statSync(path).ino)) continue;
        void this.#interpose(dir, path);
      } catch {
        // No socket yet, or the directory is gone.
      }
    }
  }

  async #interpose(dir: string, path: string): Promise<void> {
    const behind = join(dir, 'behind.sock');
    const own = join(dir, `own-${++this.#made}.sock`);
    const server = createServer((request, response) => void this.#take(behind, request, response));
    server.on('connect', (request: IncomingMessage, socket: Socket, head: Buffer) =>
      this.#shut ? socket.destroy() : tunnel(behind, request, socket, head),
    );
    try {
      await once(server.listen(own), 'listening');
      chmodSync(own, 0o666);
      this.#own.add(statSync(own).ino);
      renameSync(path, behind);
      renameSync(own, path);
    } catch {
      return close(server); // The worker was removed meanwhile.
    }
    const before = this.#servers.get(dir);
    if (before) close(before);
    this.#servers.set(dir, server);
  }

  async #take(behind: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url = '/', method = 'GET', headers } = request;
    const cut = () => void request.socket.destroy();
    try {
      if (this.#shut) {
        this.seen++;
        return cut();
      }
      if (!CALLBACK.test(url)) return forward(behind, request, response);
      const body = Buffer.concat(await request.toArray());
      this.seen++;
      await this.pass({
        send: () => send(behind, { method, url, headers }, body),
        reply: ({ status, headers: own, body: text }) => void response.writeHead(status, plain(own)).end(text),
        cut,
      });
    } catch {
      cut();
    }
  }
}

function close(server: Server): void {
  server.close();
  server.closeAllConnections();
}

type Head = { method: string; url: string; headers: IncomingMessage['headers'] };

function send(behind: string, { method, url, headers }: Head, body: Buffer): Promise<CallbackResponse> {
  return new Promise((resolve, reject) => {
    const outgoing = call({ socketPath: behind, path: url, method, headers: plain(headers) }, (incoming) => {
      incoming
        .toArray()
        .then(
          (chunks) =>
            resolve({ status: incoming.statusCode ?? 502, headers: incoming.headers, body: Buffer.concat(chunks) }),
          reject,
        );
    });
    outgoing.on('error', reject).end(body);
  });
}

function forward(behind: string, request: IncomingMessage, response: ServerResponse): void {
  const { url = '/', method = 'GET', headers } = request;
  const outgoing = call({ socketPath: behind, path: url, method, headers }, (incoming) => {
    response.writeHead(incoming.statusCode ?? 502, incoming.headers);
    incoming.pipe(response);
    incoming.on('close', () => incoming.complete || response.destroy());
  });
  outgoing.on('error', () => response.destroy());
  response.on('close', () => outgoing.destroy());
  request.pipe(outgoing);
}

function tunnel(behind: string, { url = '', headers }: IncomingMessage, socket: Socket, head: Buffer): void {
  const onward = connect(behind);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`);
  onward.write(`CONNECT ${url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  onward.write(head);
  onward.pipe(socket).pipe(onward);
  for (const [one, other] of [
    [onward, socket],
    [socket, onward],
  ] as const)
    one.on('error', () => other.destroy()).on('close', () => other.destroy());
}

/** The headers without hop-by-hop ones: the body's length is known. */
function plain(headers: IncomingMessage['headers']): IncomingMessage['headers'] {
  const { ...own } = headers;
  delete own.connection;
  delete own['transfer-encoding'];
  return own;
}
