import type { OneTimeLink, Session } from '../../protocol/accounts.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { Rate } from '../base/rate.ts';
import { appendAudit } from '../sqlite/audit.ts';
import type { EventLog, Tx } from '../sqlite/event-log.ts';
import { findOwner, findUser, findUserByEmail } from '../sqlite/users.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { Client, Identity } from './identity.ts';
import type { Limiter } from './limiter.ts';
import { invalidLink, type LinkCodes } from './link-codes.ts';
import { requireNotBlocked, type Logins } from './logins.ts';
import type { Sessions } from './sessions.ts';

type Dependencies = {
  log: EventLog;
  links: LinkCodes;
  limiter: Limiter;
  logins: Logins;
  sessions: Sessions;
  now: () => number;
};

const DAY_MS = 24 * 3600_000;

/** Links that log another device in to an account, without its password. */
export class LinkLogins {
  readonly #deps: Dependencies;
  readonly #rate: Rate;
  readonly #daily: Rate;

  constructor(dependencies: Dependencies) {
    this.#deps = dependencies;
    const { login_links_per_minute_max, logins_per_day_max } = LIMITS;
    const { now } = dependencies;
    this.#rate = new Rate(login_links_per_minute_max, 'You ask for too many log-in links.', now);
    this.#daily = new Rate(logins_per_day_max, 'You have asked for too many log-in links today.', now, DAY_MS);
  }

  /** Makes a link for the caller's own account. Throws `rate_limited`. */
  create({ user_id, session }: Identity, { address }: Client): OneTimeLink {
    this.#rate.take(user_id);
    this.#daily.take(user_id);
    return this.#create(user_id, session, { user_id, address });
  }

  /**
   * Makes a link for somebody at the server's own command line: for the account with this e-mail address, or for the
   * owner's. Throws `not_found`, or `account_blocked`.
   */
  createAtServer(email: string | undefined): OneTimeLink {
    const { db } = this.#deps.log;
    const user = email === undefined ? findOwner(db) : findUserByEmail(db, email);
    if (!user)
      throw new ErrandError(
        'not_found',
        email === undefined ? 'Nobody has an account yet: sign up first.' : `There is no account ${email}.`,
      );
    requireNotBlocked(user);
    return this.#create(user.id, null, {});
  }

  /**
   * Logs in with the code of a link, which is used up. Throws `link_invalid`, also if the log-in that made the link has
   * ended, `account_blocked`, or `rate_limited`.
   */
  redeem(code: string, client: Client): Promise<Session> {
    const { log, links, limiter, logins, sessions } = this.#deps;
    const admission = limiter.link(client.address);
    let was_guess = true;
    const redeemIn = (tx: Tx) => {
      const { id, user_id, session } = links.redeem(tx, 'login', code);
      const user = findUser(tx.db, user_id);
      if (!user || (session !== null && !sessions.lives({ user_id, session }))) throw invalidLink();
      was_guess = false;
      requireNotBlocked(user);
      const begun = sessions.begin(tx, user_id, client, session);
      const { address, user_agent } = client;
      const detail = { user_agent, link: id };
      appendAudit(tx.db, { action: 'login.succeeded', user_id, address, subject: begun.session, detail });
      return { user, begun };
    };
    try {
      const { user, begun } = log.write(redeemIn, { urgent: true });
      return logins.issue(user, begun.session, begun.refresh_token);
    } finally {
      if (!was_guess) admission.succeeded();
    }
  }

  #create(user_id: string, session: string | null, by: { user_id?: string; address?: string }): OneTimeLink {
    const { log, links } = this.#deps;
    return log.write(
      (tx) => {
        const link = links.createLogin(tx, user_id, session);
        const detail = { for: user_id };
        appendAudit(tx.db, { action: 'login_link.created', subject: link.id, detail, ...by });
        return link;
      },
      { urgent: true },
    );
  }
}
