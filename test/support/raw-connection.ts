import { connect, type NetConnectOpts, type Socket } from 'node:net';

/** Opens a connection without a word of HTTP. A reset is one way in which the other side closes: `error` is listened for. */
export function rawConnection(to: NetConnectOpts): Socket {
  const socket = connect(to);
  socket.on('error', () => undefined);
  return socket;
}

/** Sends latin-1 text as it is; gives all that came back by the time the server closed the connection. */
export async function rawExchange(to: NetConnectOpts, text: string): Promise<string> {
  const socket = rawConnection(to);
  let received = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (received += chunk));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(text, 'latin1');
  await closed;
  return received;
}

/** The head of a WebSocket upgrade request, as a browser sends it. `headers` replace those of the same name. */
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
