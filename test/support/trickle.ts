import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** A stream over a socket that sends every byte in a packet of its own. */
export class Trickle extends Duplex {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    super();
    this.#socket = socket.setNoDelay(true);
    socket.on('data', (chunk) => this.push(chunk));
    socket.on('end', () => this.push(null));
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
    const next = (at: number): void => {
      if (at === chunk.length) return callback();
      this.#socket.write(chunk.subarray(at, at + 1), () => setImmediate(next, at + 1));
    };
    next(0);
  }

  override _final(callback: () => void): void {
    this.#socket.end(callback);
  }
}
