import { on } from 'node:events';
import { WebSocket } from 'ws';
import { LIMITS } from '../../protocol/limits.ts';
import { BEARER_SUBPROTOCOL_PREFIX, CLOSE, ServerFrame, SUBPROTOCOL, type ClientFrame } from '../../protocol/socket.ts';
import { Failure, LoggedOut, Unreachable } from './errors.ts';
import { reason } from './http.ts';
import { isRedirect, redirected } from './redirect.ts';

const HANDSHAKE_MS = 10_000;
/** The server sends pings; a connection that is silent for longer is dead. */
const SILENCE_MS = LIMITS.socket_ping_ms * 2 + 10_000;
/** Back-pressure: how many frames may wait before reading from the socket pauses, and resumes. */
const WAITING_FRAMES = { highWaterMark: 64, lowWaterMark: 16 };

/** The server closed the socket because it refused the access token. */
export class TokenRefused extends Failure {}

type Incoming = { frame: ServerFrame; answer: (frame: ClientFrame) => void };

/**
 * One connection to the socket of `user_id`. Yields each frame, with `answer` to send one back. Follows redirects as
 * requests do. Throws `Unreachable` when the connection is lost, `TokenRefused`, or another `Failure` if a new
 * connection would not help.
 */
export async function* connect(
  server: string,
  user_id: string,
  token: string,
  signal: AbortSignal,
): AsyncGenerator<Incoming, never, void> {
  const path = `/ws/${user_id}`;
  const protocols = [SUBPROTOCOL, BEARER_SUBPROTOCOL_PREFIX + token];
  for (let [url, before] = [new URL(server + path), 0]; ; before++) {
    const redirect = yield* receive(url, protocols, signal);
    url = redirected({ ...redirect, from: url, method: 'GET', path, before });
  }
}

/** Yields the frames of one WebSocket. Returns if the handshake was answered with a redirect. */
async function* receive(
  { href, origin }: URL,
  protocols: string[],
  signal: AbortSignal,
): AsyncGenerator<Incoming, Redirect, void> {
  const socket = new WebSocket(href.replace(/^http/, 'ws'), protocols, {
    handshakeTimeout: HANDSHAKE_MS,
    maxPayload: LIMITS.event_bytes_max * 8,
    perMessageDeflate: false,
  });
  let ended = 0;
  socket.on('close', (code) => (ended = code));
  const redirect = redirectOf(socket);
  const silence = setTimeout(() => {
    // No ping is seen while reading is paused.
    if (socket.isPaused) silence.refresh();
    else socket.terminate();
  }, SILENCE_MS);
  socket.on('ping', () => silence.refresh());
  const answer = (frame: ClientFrame) => socket.send(JSON.stringify(frame));
  try {
    for await (const [data] of on(socket, 'message', { close: ['close'], signal, ...WAITING_FRAMES })) {
      silence.refresh();
      const frame = readFrame(data);
      if (frame) yield { frame, answer };
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Failure) throw error;
    if (redirect.found) return redirect.found;
    throw new Unreachable(`The connection to ${origin} failed: ${reason(error)}.`, { cause: error });
  } finally {
    clearTimeout(silence);
    socket.on('error', () => undefined); // Terminating a socket that is still connecting emits an error.
    socket.terminate();
  }
  throw closed(origin, ended);
}

type Redirect = { status: number; location: string | undefined };

/** Watches for a redirect in place of the handshake. The socket then emits an error, as for any other such answer. */
function redirectOf(socket: WebSocket): { found: Redirect | undefined } {
  const redirect: { found: Redirect | undefined } = { found: undefined };
  socket.once('unexpected-response', (_request, { statusCode: status = 0, headers: { location } }) => {
    if (isRedirect(status)) redirect.found = { status, location };
    socket.emit('error', new Error(`the server answered with ${status}`));
  });
  return redirect;
}

function closed(server: string, code: number): Failure {
  if (code === CLOSE.unauthenticated) return new TokenRefused('The access token was refused.');
  if (code === CLOSE.not_found) return new LoggedOut(`${server} does not know your account.`);
  if (code === CLOSE.too_many)
    return new Failure('Your account has too many open connections: newer ones took the place of this one.');
  return new Unreachable(`The connection to ${server} was lost.`);
}

/** Parses a frame; undefined if its type is unknown. */
function readFrame(data: unknown): ServerFrame | undefined {
  try {
    return ServerFrame.safeParse(JSON.parse(String(data))).data;
  } catch (error) {
    throw new Failure('The server sent a frame that is not JSON.', { cause: error });
  }
}
