import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError, toProblem } from '../../protocol/problem.ts';
import { SUBPROTOCOL } from '../../protocol/socket.ts';
import { endWithProblem } from '../http/end-with-problem.ts';
import type { Logger } from '../base/logger.ts';
import { readSocketRequest, type SocketRequest } from './socket-request.ts';

/** Serves a WebSocket that is open. It does not throw. */
export type ServeSocket = (socket: WebSocket, request: SocketRequest) => void;

/**
 * Turns upgrade requests for `/ws/:user_id` into WebSockets, and refuses all others on the raw socket. It runs outside the API's middleware, so
 * nothing may throw here: an uncaught error would end the process.
 */
export class Upgrades {
  readonly #serve: ServeSocket;
  readonly #logger: Logger;
  readonly #server = new WebSocketServer({
    noServer: true,
    // Compression costs nine tenths of the throughput and 200 kB a socket.
    perMessageDeflate: false,
    maxPayload: LIMITS.socket_frame_bytes_max,
    handleProtocols: (protocols) => (protocols.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });

  constructor(serve: ServeSocket, logger: Logger) {
    this.#serve = serve;
    this.#logger = logger;
    // A handshake that breaks RFC 6455: without a listener the library writes HTML, and waits for the client to close.
    this.#server.on('wsClientError', ({ message }, raw) =>
      this.#refuse(raw, new ErrandError('invalid', `${message}.`)),
    );
  }

  /** Every WebSocket that is not closed yet. */
  get sockets(): ReadonlySet<WebSocket> {
    return this.#server.clients;
  }

  /** For the HTTP server's `upgrade` event. */
  accept(request: IncomingMessage, raw: Duplex, head: Buffer): void {
    // The HTTP server has removed its own listener.
    raw.on('error', () => raw.destroy());
    try {
      const asked = readSocketRequest(request);
      this.#server.handleUpgrade(request, raw, head, (socket) => {
        // A bad frame or a reset; the library closes the socket itself.
        socket.on('error', (err) => this.#logger.debug({ err }, 'websocket failed'));
        this.#serve(socket, asked);
      });
    } catch (error) {
      this.#refuse(raw, error);
    }
  }

  #refuse(raw: Duplex, error: unknown): void {
    const request_id = randomUUID();
    const log = this.#logger.child({ request_id });
    if (error instanceof ErrandError) log.debug({ err: error }, 'upgrade refused');
    else log.error({ err: error }, 'upgrade failed');
    endWithProblem(raw, toProblem(error, request_id), {
      headers: { 'x-request-id': request_id, 'sec-websocket-version': '13' },
    });
  }
}
