import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { Rate } from '../base/rate.ts';
import { API_TOKEN_PREFIX } from '../../protocol/tokens.ts';
import type { ApiTokens } from './api-tokens.ts';
import type { AccessTokens } from './access-tokens.ts';
import type { Identity } from './identity.ts';
import type { Sessions } from './sessions.ts';
import type { Tickets } from './tickets.ts';

type Dependencies = {
  access_tokens: AccessTokens;
  api_tokens: ApiTokens;
  sessions: Sessions;
  tickets: Tickets;
  now: () => number;
};

/**
 * Finds out who sent a request, by access token, API token or socket ticket. They are void once the log-in has ended or
 * the API token was revoked.
 */
export class Authenticator {
  readonly #access_tokens: AccessTokens;
  readonly #api_tokens: ApiTokens;
  readonly #sessions: Sessions;
  readonly #tickets: Tickets;
  readonly #ticket_rate: Rate;

  constructor({ access_tokens, api_tokens, sessions, tickets, now }: Dependencies) {
    this.#access_tokens = access_tokens;
    this.#api_tokens = api_tokens;
    this.#sessions = sessions;
    this.#tickets = tickets;
    this.#ticket_rate = new Rate(LIMITS.ws_tickets_per_minute_max, 'You ask for too many tickets.', now);
  }

  /** Who sent this access token or API token. Rejects with `unauthenticated`. */
  async authenticate(bearer: string): Promise<Identity> {
    if (bearer.startsWith(API_TOKEN_PREFIX)) return this.#api_tokens.verify(bearer);
    const identity = await this.#access_tokens.verify(bearer);
    this.requireLiving(identity);
    this.#sessions.saw(identity);
    return identity;
  }

  /** Whether the log-in has not ended, or the API token was not revoked. */
  lives(identity: Pick<Identity, 'user_id' | 'session'>): boolean {
    return this.#sessions.lives(identity) || this.#api_tokens.lives(identity);
  }

  /** Throws `unauthenticated` if the log-in has ended since it was authenticated. */
  requireLiving(identity: Identity): void {
    if (!this.lives(identity)) throw new ErrandError('unauthenticated', 'This log-in has ended: log in again.');
  }

  /** A one-time ticket for the socket, valid for `WS_TICKET_S` seconds. Throws `rate_limited`. */
  issueTicket(identity: Identity): string {
    this.#ticket_rate.take(identity.user_id);
    return this.#tickets.issue(identity);
  }

  /** Who the ticket was given to; undefined if it is used, expired or unknown, or if its log-in has ended. */
  redeemTicket(ticket: string): Identity | undefined {
    const identity = this.#tickets.redeem(ticket);
    return identity && this.lives(identity) ? identity : undefined;
  }
}
