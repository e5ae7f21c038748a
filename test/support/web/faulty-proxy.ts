import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Ends } from '../folder.ts';

/** A reverse proxy in front of the server, which answers in its place where it is told to. */
export type FaultyProxy = {
  url: string;
  /** Answers a request in place of the server; returns false to let it pass. */
  answer: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Where it sends requests and handshakes in place of the server; undefined: nowhere. */
  redirect: string | undefined;
  /** Whether a handshake of a socket hangs without an answer. */
  hangs: (request: IncomingMessage) => boolean;
  /** Ends all sockets. */
  cut: () => void;
};

/** Forwards requests and sockets to `target`, until the test ends. */
export async function startFaultyProxy(t: Ends, target: string): Promise<FaultyProxy> {
  const { hostname, port } = new URL(target);
  const open = new Set<Socket>();
  const server = createServer((from, answer) => {
    if (proxy.redirect !== undefined) return void answer.writeHead(302, { location: proxy.redirect }).end();
    if (proxy.answer(from, answer)) return;
    const { method, url: path, headers } = from;
    const to = request({ hostname, port, method, path, headers }, (answered) => {
      answer.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(answer);
    });
    to.on('error', () => answer.destroy());
    from.pipe(to);
  });
  server.on('upgrade', (from: IncomingMessage, near: Socket, head: Buffer) => {
    open.add(near);
    near.on('close', () => open.delete(near)).on('error', () => undefined);
    if (proxy.redirect !== undefined)
      return void near.end(`HTTP/1.1 302 Found\r\nlocation: ${proxy.redirect}\r\ncontent-length: 0\r\n\r\n`);
    if (proxy.hangs(from)) return;
    const far = connect(Number(port), hostname);
    const lines = [`GET ${from.url} HTTP/1.1`];
    for (let i = 0; i < from.rawHeaders.length; i += 2) lines.push(`${from.rawHeaders[i]}: ${from.rawHeaders[i + 1]}`);
    far.write(`${lines.join('\r\n')}\r\n\r\n`);
    far.write(head);
    far.on('error', () => near.destroy()).on('close', () => near.destroy());
    near.on('close', () => far.destroy());
    near.pipe(far).pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => open.forEach((socket) => socket.resetAndDestroy());
  const proxy: FaultyProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answer: () => false,
    redirect: undefined,
    hangs: () => false,
    cut,
  };
  t.teardown(() => {
    cut();
    server.closeAllConnections();
    server.close();
  });
  return proxy;
}
