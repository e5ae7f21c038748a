import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import type { TunnelProxy } from '../../coordinator/worker-api/caller.ts';

/** A server with the forward proxy and one caller. */
export type TunnelServer = {
  port: number;
  /** Ends the caller's attempt. */
  end: () => void;
  /** Open connections. */
  connections: () => number;
  /** Requests a tunnel. Resolves with its socket or the refusal. */
  connect: (authority: string) => Promise<Connected>;
};
type Connected =
  | { status: 200; socket: Socket }
  | { status: number; socket: undefined; code: string | string[] | undefined; text: string };

/** Serves a forward proxy to one caller on a free port, until the test ends. */
export async function serveTunnel(t: ExecutionContext, proxy: TunnelProxy, task_id: string): Promise<TunnelServer> {
  const attempt = new AbortController();
  const sockets = new Set<Socket>();
  const http = createServer();
  http.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const caller = { task_id, user_id: '0000000000000000user', attempt: 1, signal: attempt.signal };
  http.on('connect', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    void proxy.open(request, socket, head, caller);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.teardown(() => {
    http.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = http.address() as AddressInfo;
  return { port, end: () => attempt.abort(), connections: () => sockets.size, connect: (to) => connect(port, to) };
}

async function connect(port: number, authority: string): Promise<Connected> {
  const request = httpRequest({ host: '127.0.0.1', port, method: 'CONNECT', path: authority }).end();
  const [response, socket, head] = (await once(request, 'connect')) as [IncomingMessage, Socket, Buffer];
  if (response.statusCode === 200) {
    if (head.length > 0) socket.unshift(head);
    return { status: 200, socket };
  }
  socket.on('error', () => {});
  const text = head.toString() + (await readText(socket));
  return { status: response.statusCode ?? 0, socket: undefined, code: response.headers['errand-error'], text };
}
