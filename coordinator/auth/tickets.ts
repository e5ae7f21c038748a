import { randomBytes } from 'node:crypto';
import { LIMITS } from '../../protocol/limits.ts';
import type { Identity } from './identity.ts';

/** How long a ticket is valid. */
export const WS_TICKET_S = 30;

const TICKETS_MAX = 10_000;

type Issued = { identity: Identity; until: number };

/**
 * One-time tickets for the socket, in memory: a restart voids them, and clients ask for another. A person who has as
 * many as allowed loses their own oldest. Past the server's limit, the one who has the most loses the oldest.
 */
export class Tickets {
  readonly #now: () => number;
  /** In the order of issue, and so of expiry. */
  readonly #issued = new Map<string, Issued>();
  /** Of each person, oldest first. */
  readonly #by_user = new Map<string, Set<string>>();

  constructor(now: () => number) {
    this.#now = now;
  }

  issue(identity: Identity): string {
    this.#removeExpired();
    const { user_id } = identity;
    if (this.#count(user_id) >= LIMITS.ws_tickets_per_user_max) this.#removeOldest(user_id);
    else if (this.#issued.size >= TICKETS_MAX) this.#removeOldest(this.#whoHasMost());
    const ticket = randomBytes(24).toString('base64url');
    this.#issued.set(ticket, { identity, until: this.#now() + WS_TICKET_S * 1000 });
    this.#by_user.set(user_id, (this.#by_user.get(user_id) ?? new Set()).add(ticket));
    return ticket;
  }

  /** Who the ticket was issued to; undefined if it is used, expired or unknown. */
  redeem(ticket: string): Identity | undefined {
    const found = this.#remove(ticket);
    return found && found.until > this.#now() ? found.identity : undefined;
  }

  #removeExpired(): void {
    const now = this.#now();
    for (const [ticket, { until }] of this.#issued) {
      if (until > now) return;
      this.#remove(ticket);
    }
  }

  #removeOldest(user_id: string): void {
    for (const ticket of this.#by_user.get(user_id) ?? []) return void this.#remove(ticket);
  }

  #remove(ticket: string): Issued | undefined {
    const found = this.#issued.get(ticket);
    if (!found) return undefined;
    const { user_id } = found.identity;
    this.#issued.delete(ticket);
    const own = this.#by_user.get(user_id);
    own?.delete(ticket);
    if (own?.size === 0) this.#by_user.delete(user_id);
    return found;
  }

  #count(user_id: string): number {
    return this.#by_user.get(user_id)?.size ?? 0;
  }

  #whoHasMost(): string {
    return [...this.#by_user.keys()].reduce((most, other) => (this.#count(other) > this.#count(most) ? other : most));
  }
}
