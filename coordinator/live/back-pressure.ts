import type { WebSocket } from 'ws';

type BufferLimits = { readonly socket_buffer_bytes_max: number; readonly socket_stalled_ms: number };

/** What one socket was sent and its client has not read yet. A client that is behind for too long is given up. */
export class SendBuffer {
  readonly #socket: WebSocket;
  readonly #limits: BufferLimits;
  readonly #giveUp: () => void;
  /** Somebody waits for the buffer to be empty. */
  draining = false;

  constructor(socket: WebSocket, limits: BufferLimits, giveUp: () => void) {
    this.#socket = socket;
    this.#limits = limits;
    this.#giveUp = giveUp;
  }

  isFull(): boolean {
    return this.#socket.bufferedAmount > this.#limits.socket_buffer_bytes_max;
  }

  /** Resolves when the buffer is empty or the socket is closed. */
  async drained(): Promise<void> {
    if (this.#socket.bufferedAmount === 0) return;
    this.draining = true;
    const stalled = setTimeout(this.#giveUp, this.#limits.socket_stalled_ms);
    // A ping only to mark the end of the buffer: its callback runs when it has been written. The pong does not matter.
    await new Promise<void>((resolve) => this.#socket.ping(undefined, undefined, () => resolve()));
    clearTimeout(stalled);
    this.draining = false;
  }
}
