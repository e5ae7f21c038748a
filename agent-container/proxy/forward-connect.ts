import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { within } from '../base/within.ts';
import type { CoordinatorClient } from '../reporting/coordinator-client.ts';
import { requestCoordinator } from './coordinator-request.ts';

const CONNECT_MS = 60_000;
/** How long a refused client may take to close its side of the connection. */
const CLOSE_MS = 2_000;

/**
 * Opens a tunnel through the coordinator's egress proxy, with the task's token. `head` is what the client sent together
 * with its request. The coordinator's response, granted or refused, is passed on as it is.
 */
export function forwardConnect(client: CoordinatorClient, authority: string, socket: Duplex, head: Buffer): void {
  // The HTTP server has given this socket away. An error that nobody listens for would end the worker.
  socket.on('error', () => socket.destroy());
  try {
    openTunnel(client, authority, socket, head);
  } catch {
    refuse(socket);
  }
}

function openTunnel(client: CoordinatorClient, authority: string, socket: Duplex, head: Buffer): void {
  const upstream = requestCoordinator(client.address, {
    method: 'CONNECT',
    path: authority,
    headers: { host: authority, 'proxy-authorization': `Bearer ${client.token}` },
    timeout: CONNECT_MS,
    agent: false,
  });
  socket.once('close', () => upstream.destroy());
  upstream.once('timeout', () => upstream.destroy(new Error('The coordinator did not answer in time.')));
  upstream.once('error', () => refuse(socket));
  upstream.once('connect', (response: IncomingMessage, remote: Duplex, remote_head: Buffer) => {
    socket.write(formatHead(response));
    if (remote_head.length > 0) socket.write(remote_head);
    if (head.length > 0) remote.write(head);
    Promise.all([pipeline(remote, socket), pipeline(socket, remote)]).catch(() => {
      remote.destroy();
      socket.destroy();
    });
  });
  upstream.end();
}

/** Answers on the raw socket, and cuts a client that keeps its side open. */
function refuse(socket: Duplex): void {
  const closed = new Promise<void>((resolve) => socket.once('close', resolve));
  void within(CLOSE_MS, closed).then(() => socket.destroy());
  const text = 'The coordinator could not be reached.\n';
  const length = Buffer.byteLength(text);
  socket.resume();
  socket.end(`HTTP/1.1 502 Bad Gateway\r\ncontent-length: ${length}\r\nconnection: close\r\n\r\n${text}`);
}

/** The status line and headers of a response, as they are sent. */
function formatHead(response: IncomingMessage): string {
  const lines = [`HTTP/1.1 ${response.statusCode} ${response.statusMessage}`];
  for (let i = 0; i < response.rawHeaders.length; i += 2)
    lines.push(`${response.rawHeaders[i]}: ${response.rawHeaders[i + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
