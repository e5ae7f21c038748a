import type { Duplex } from 'node:stream';

/** How long the other side may take to read the answer and to close the connection. */
const CLOSE_MS = 2_000;

type Head = { status: string; headers: Record<string, string> };

/**
 * Answers an upgrade or a CONNECT with a problem document on its raw socket, and closes it. The HTTP server no longer
 * watches such a socket, so it is cut if the other side leaves it open. `status`: the code and the reason of the status
 * line.
 */
export function endWithProblem(socket: Duplex, problem: object, { status, headers }: Head): void {
  const cut = setTimeout(() => socket.destroy(), CLOSE_MS);
  socket.once('close', () => clearTimeout(cut));
  const body = JSON.stringify(problem);
  const lines = Object.entries({
    ...headers,
    'content-type': 'application/problem+json',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  // What still comes is discarded: unread, it would turn the close into a reset, and the answer could be lost.
  socket.resume();
  socket.end(`HTTP/1.1 ${status}\r\n${lines.join('')}\r\n${body}`);
}
