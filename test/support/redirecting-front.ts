import { once } from 'node:events';
import { createServer, request as send, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { ExecutionContext } from 'ava';
import type { Certificate } from './certificate.ts';

/** A server that answers over http with redirects, and forwards the rest to `target`. */
export type Front = {
  /** Its host and port. */
  host: string;
  /** What was sent to it over http. */
  requests: { method: string; url: string; headers: IncomingHttpHeaders }[];
  /** Where a request is redirected to; undefined: it is forwarded. */
  redirect: (request: IncomingMessage) => string | undefined;
  status: number;
};

/** Listens until the test ends. With a certificate, https at the same port is forwarded to `target` as it is. */
export async function startFront(t: ExecutionContext, target: string, certificate?: Certificate): Promise<Front> {
  const front: Front = { host: '', requests: [], redirect: () => undefined, status: 301 };
  const note = (request: IncomingMessage): string | undefined => {
    const { method = '', url = '', headers } = request;
    front.requests.push({ method, url, headers });
    return front.redirect(request);
  };
  const http = createServer((request, response) => {
    const location = note(request);
    if (location !== undefined) return void response.writeHead(front.status, { location }).end('Moved');
    const { method, headers } = request;
    const onward = send(target + request.url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  http.on('upgrade', (request, raw) => {
    raw.on('error', () => undefined);
    raw.end(`HTTP/1.1 ${front.status} Moved\r\nlocation: ${note(request)}\r\ncontent-length: 0\r\n\r\n`);
  });
  const tls = certificate && createTlsServer(certificate, (near) => join(near, connect(Number(new URL(target).port))));
  const open = new Set<Socket>();
  const server = createTcpServer((socket) => {
    open.add(socket);
    socket.on('error', () => socket.destroy()).once('close', () => open.delete(socket));
    // A TLS handshake begins with this byte.
    socket.once('data', (first) => {
      socket.pause();
      socket.unshift(first);
      (first[0] === 0x16 && tls ? tls : http).emit('connection', socket);
      process.nextTick(() => socket.resume());
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  front.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return front;
}

function join(near: Socket, far: Socket): void {
  near.on('error', () => far.destroy()).on('close', () => far.destroy());
  far.on('error', () => near.destroy()).on('close', () => near.destroy());
  near.pipe(far).pipe(near);
}
