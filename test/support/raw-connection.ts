import { connect, type NetConnectOpts, type Socket } from 'node:net';

/** Opens a TCP connection. A reset by the other side counts as a close, so `error` is ignored. */
export function rawConnection(to: NetConnectOpts): Socket {
  const socket = connect(to);
  socket.on('error', () => undefined);
  return socket;
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
    host: 'errand.test',
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${target} HTTP/1.1\r\n${lines.join('')}\r\n`;
}
