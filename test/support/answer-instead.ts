import { once } from 'node:events';
import { createServer, request as ask } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Ends } from './folder.ts';

type Answer = { status: number; type: string; body: string };

/**
 * An HTTP proxy in front of `target` that gives an answer of its own to POST and PUT requests of paths that begin with
 * `path`, until the test ends. Resolves with its address.
 */
export async function answerInstead(t: Ends, target: string, path: string, answer: Answer): Promise<string> {
  const { hostname, port } = new URL(target);
  const server = createServer((near, response) => {
    if (near.method !== 'GET' && near.url?.startsWith(path)) {
      near.resume();
      response.writeHead(answer.status, { 'content-type': answer.type }).end(answer.body);
      return;
    }
    const far = ask({ hostname, port, method: near.method, path: near.url, headers: near.headers }, (answered) => {
      response.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(response);
    });
    far.on('error', () => response.destroy());
    near.pipe(far);
  });
  server.on('upgrade', (near, socket, head) => {
    const far = ask({ hostname, port, path: near.url, headers: near.headers });
    far.on('upgrade', (answered, other, first) => {
      const headers = Object.entries(answered.headers).map(([name, value]) => `${name}: ${String(value)}`);
      socket.write(['HTTP/1.1 101 Switching Protocols', ...headers, '', ''].join('\r\n'));
      other.write(head);
      socket.write(first);
      socket.pipe(other).pipe(socket);
      for (const one of [socket, other]) one.on('error', () => [socket, other].forEach((each) => each.destroy()));
    });
    far.on('error', () => socket.destroy());
    far.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
