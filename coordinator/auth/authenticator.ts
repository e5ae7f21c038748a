import { ErrandError } from '../../protocol/problem.ts';
import type { AccessTokens } from './access-tokens.ts';
import type { Identity } from './identity.ts';
import type { Sessions } from './sessions.ts';
import type { Tickets } from './tickets.ts';

type Dependencies = { access_tokens: AccessTokens; sessions: Sessions; tickets: Tickets };

/** Finds out who sent a request, by access token or by socket ticket. Both are void once their log-in has ended. */
export class Authenticator {
  readonly #access_tokens: AccessTokens;
  readonly #sessions: Sessions;
  readonly #tickets: Tickets;

  constructor({ access_tokens, sessions, tickets }: Dependencies) {
    this.#access_tokens = access_tokens;
    this.#sessions = sessions;
    this.#tickets = tickets;
  }

  /** Who sent this access token. Rejects with `unauthenticated`. */
  async authenticate(bearer: string): Promise<Identity> {
    const identity = await this.#access_tokens.verify(bearer);
    this.requireLiving(identity);
    return identity;
  }

  /** Throws `unauthenticated` if the log-in has ended since it was authenticated. */
  requireLiving(identity: Identity): void {
    if (!this.#sessions.lives(identity))
      throw new ErrandError('unauthenticated', 'This log-in has ended: log in again.');
  }

  /** A one-time ticket for the socket, valid for `WS_TICKET_S` seconds. */
  issueTicket(identity: Identity): string {
    return this.#tickets.issue(identity);
  }

  /** Who the ticket was given to; undefined if it is used, expired or unknown, or if its log-in has ended. */
  redeemTicket(ticket: string): Identity | undefined {
    const identity = this.#tickets.redeem(ticket);
    return identity && this.#sessions.lives(identity) ? identity : undefined;
  }
}
