import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError, type ErrorCode } from '../../protocol/problem.ts';
import { toProblem } from '../../protocol/problem-document.ts';
import { SUBPROTOCOL } from '../../protocol/socket.ts';
import { endWithProblem } from '../base/end-with-problem.ts';
import type { BrowserGuard } from '../base/browser-guard.ts';
import type { Logger } from '../base/logger.ts';
import { readSocketRequest, type SocketRequest } from './socket-request.ts';

/** The fragments of one message. */
const FRAGMENTS_MAX = 16;

/** Serves an open WebSocket, and calls `admitted` once the client is authenticated. Does not throw. */
export type ServeSocket = (socket: WebSocket, request: SocketRequest, admitted: () => void) => void;

export type UpgradeDependencies = {
  browser_guard: BrowserGuard;
  /** Called with the code of each upgrade that was refused. */
  onRefused: (code: ErrorCode) => void;
  logger: Logger;
};

/**
 * Upgrades requests for `/ws/:user_id` to WebSockets, and refuses all others on the raw socket. It runs outside the
 * API's middleware: an error thrown here would end the process.
 */
export class Upgrades {
  readonly #serve: ServeSocket;
  readonly #guard: BrowserGuard;
  readonly #logger: Logger;
  readonly #onRefused: (code: ErrorCode) => void;
  readonly #server = new WebSocketServer({
    noServer: true,
    // Compression costs 90 % of the throughput and 200 kB per socket.
    perMessageDeflate: false,
    maxPayload: LIMITS.socket_frame_bytes_max,
    // Fragments cost time before anything of the message is seen here. No client has a reason to send many.
    maxFragments: FRAGMENTS_MAX,
    // One frame in a turn of the event loop: however many arrive at once, others get their turn between them.
    allowSynchronousEvents: false,
    handleProtocols: (protocols) => (protocols.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });

  constructor(serve: ServeSocket, { browser_guard, logger, onRefused }: UpgradeDependencies) {
    this.#serve = serve;
    this.#guard = browser_guard;
    this.#logger = logger;
    this.#onRefused = onRefused;
    // A handshake that violates RFC 6455. Without a listener the library replies in HTML and waits for the client to
    // close.
    this.#server.on('wsClientError', ({ message }, raw) =>
      this.#refuse(raw, new ErrandError('invalid', `${message}.`)),
    );
  }

  /** All WebSockets that are not closed. */
  get sockets(): ReadonlySet<WebSocket> {
    return this.#server.clients;
  }

  /** For the HTTP server's `upgrade` event. */
  accept(request: IncomingMessage, raw: Duplex, head: Buffer, admitted: () => void): void {
    // The HTTP server has removed its own error listener.
    raw.on('error', () => raw.destroy());
    try {
      this.#guard.check(request);
      const socket_request = readSocketRequest(request);
      this.#server.handleUpgrade(request, raw, head, (socket) => {
        // An invalid frame or a connection reset; the library closes the socket itself.
        socket.on('error', (err) => this.#logger.debug({ err }, 'websocket failed'));
        this.#serve(socket, socket_request, admitted);
      });
    } catch (error) {
      this.#refuse(raw, error);
    }
  }

  #refuse(raw: Duplex, error: unknown): void {
    const request_id = randomUUID();
    const log = this.#logger.child({ request_id });
    this.#onRefused(error instanceof ErrandError ? error.code : 'internal');
    if (error instanceof ErrandError) log.debug({ err: error }, 'upgrade refused');
    else log.error({ err: error }, 'upgrade failed');
    const problem = toProblem(error, request_id);
    endWithProblem(raw, problem, {
      status: `${problem.status} ${problem.title}`,
      headers: { 'x-request-id': request_id, 'sec-websocket-version': '13' },
    });
  }
}
