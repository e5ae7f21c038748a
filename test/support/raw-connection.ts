import { once } from 'node:events';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { until } from './until.ts';

/** Opens a TCP connection. A reset by the other side counts as a close, so `error` is ignored. */
export function rawConnection(to: NetConnectOpts): Socket {
  const socket = connect(to);
  socket.on('error', () => undefined);
  return socket;
}

/**
 * Asks for a tunnel that is refused, and does not close its own side. Checks that the server first ends its side, and
 * then cuts the connection.
 */
export async function refusedTunnelIsCut(t: ExecutionContext, to: NetConnectOpts): Promise<void> {
  const socket = rawConnection({ ...to, allowHalfOpen: true });
  t.teardown(() => socket.destroy());
  socket.write('CONNECT example.test:443 HTTP/1.1\r\nhost: example.test:443\r\n\r\n');
  await once(socket.resume(), 'end');
  t.false(socket.destroyed);
  await until('the server has cut the connection', () => {
    socket.write('x');
    return socket.destroyed;
  });
}

/** Sends latin-1 text; returns all that was received until the server closed the connection. */
export async function rawExchange(to: NetConnectOpts, text: string): Promise<string> {
  const socket = rawConnection(to);
  let received = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (received += chunk));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(text, 'latin1');
  await closed;
  return received;
}

/** The head of a browser's WebSocket upgrade request. `headers` override the defaults. */
export function upgradeRequest(target: string, headers: Record<string, string> = {}): string {
  const all = {
    host: 'localhost',
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${target} HTTP/1.1\r\n${lines.join('')}\r\n`;
}
