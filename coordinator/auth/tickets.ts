import { randomBytes } from 'node:crypto';
import { LIMITS } from '../../protocol/limits.ts';
import type { Identity } from './identity.ts';

const TICKETS_MAX = 10_000;

/** One-time tickets for the socket, in memory: a restart voids them, and clients ask for another. */
export class Tickets {
  readonly #now: () => number;
  readonly #issued = new Map<string, { identity: Identity; until: number }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  issue(identity: Identity): string {
    this.#prune();
    const ticket = randomBytes(24).toString('base64url');
    this.#issued.set(ticket, { identity, until: this.#now() + LIMITS.ws_ticket_s * 1000 });
    return ticket;
  }

  /** Who the ticket was issued to; undefined if it is used, expired or unknown. */
  redeem(ticket: string): Identity | undefined {
    const found = this.#issued.get(ticket);
    this.#issued.delete(ticket);
    return found && found.until > this.#now() ? found.identity : undefined;
  }

  /** Removes expired tickets, and the oldest past the limit. A map keeps the order of issue, and so of expiry. */
  #prune(): void {
    const now = this.#now();
    for (const [ticket, { until }] of this.#issued) {
      if (until > now && this.#issued.size < TICKETS_MAX) return;
      this.#issued.delete(ticket);
    }
  }
}
