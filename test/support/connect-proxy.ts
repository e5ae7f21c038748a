import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ExecutionContext } from 'ava';

export type ConnectProxy = {
  url: string;
  /** The hosts of its requests and tunnels. */
  asked: string[];
};

/**
 * A proxy as companies have them: it alone knows names, and leads every request to `port` of this machine. It stops
 * with the test.
 */
export async function startConnectProxy(t: ExecutionContext, port: number): Promise<ConnectProxy> {
  const asked: string[] = [];
  const open = new Set<Duplex>();
  // A request over plain HTTP comes as a whole, with its address.
  const server = createServer((incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { host, pathname, search } = new URL(incoming.url ?? '');
    asked.push(host);
    const { method, headers } = incoming;
    const further = httpRequest({ host: '127.0.0.1', port, method, headers, path: pathname + search }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    further.on('error', () => outgoing.destroy());
    incoming.pipe(further);
  });
  server.on('connect', (request: IncomingMessage, socket: Duplex) => {
    asked.push(request.url ?? '');
    open.add(socket);
    const far = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      far.pipe(socket).pipe(far);
    });
    for (const each of [far, socket]) each.on('error', () => [far, socket].forEach((end) => end.destroy()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}
