import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { networkOf } from './network-of.ts';

/**
 * Limits how many connections of one address a server keeps open that have not shown what they are for. One more closes
 * the one that has been open longest: whoever opens connections and leaves them there takes the place of nobody else.
 */
export class ConnectionLimit {
  readonly #max: number;
  /** By network, the oldest first. */
  readonly #open = new Map<string, Set<Duplex>>();
  readonly #networks = new WeakMap<Duplex, string>();

  constructor(server: Server, max: number) {
    this.#max = max;
    server.on('connection', (socket) => this.#add(socket, networkOf(socket.remoteAddress ?? '')));
  }

  /** Counts a connection no longer: it has shown what it is for, or was closed. */
  release(socket: Duplex): void {
    const network = this.#networks.get(socket);
    if (network === undefined) return;
    const own = this.#open.get(network);
    own?.delete(socket);
    if (own?.size === 0) this.#open.delete(network);
  }

  #add(socket: Duplex, network: string): void {
    const own = this.#open.get(network) ?? new Set();
    this.#networks.set(socket, network);
    this.#open.set(network, own.add(socket));
    socket.once('close', () => this.release(socket));
    if (own.size <= this.#max) return;
    for (const oldest of own) {
      this.release(oldest);
      oldest.destroy();
      return;
    }
  }
}
