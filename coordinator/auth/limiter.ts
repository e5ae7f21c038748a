import { ErrandError } from '../../protocol/problem.ts';
import { networkOf } from '../base/network-of.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import type { Db } from '../sqlite/database.ts';
import { deleteFailures, findFailures, pruneFailures, putFailures } from '../sqlite/login-failures.ts';
import { isKnown } from './known-addresses.ts';
import type { Place } from './passwords.ts';

/** How many failures are free. Each further one doubles the wait, from one second up to `wait_ms_max`. */
type Rule = { free: number; wait_ms_max: number };

const RULES = {
  /** Anyone can cause failures for an account, so they block its user only briefly. */
  account: { free: 5, wait_ms_max: 60_000 },
  /** An account at an address from which it was used before, or of a person who is logged in to it. */
  known: { free: 5, wait_ms_max: 15 * 60_000 },
  address: { free: 20, wait_ms_max: 15 * 60_000 },
  signup: { free: 5, wait_ms_max: 60 * 60_000 },
  /** Codes of links, which nobody guesses. Several people may share an address. */
  link: { free: 20, wait_ms_max: 15 * 60_000 },
} satisfies Record<string, Rule>;
type Limited = { rule: Rule; key: string };

/** A failure older than this no longer counts. */
const FORGET_MS = 24 * 3600_000;
const ROWS_MAX = 10_000;

/**
 * An admitted attempt, and where it waits for its hash. It counts as failed until it has succeeded, so that many
 * attempts at once gain nothing.
 */
export type Admission = { place: Place; succeeded: () => void };

/** Who tries a password. `user_id`: the account with this e-mail address, if there is one. */
type Attempt = {
  email: string;
  user_id: string | undefined;
  address: string;
  /**
   * Whether they have logged in to it already, and confirm something. They count by account alone: the thief of a token
   * gets no more guesses at another address.
   */
  logged_in?: boolean;
};

/**
 * Limits log-ins per account and per address, and sign-ups per address. Failures from elsewhere do not block an account
 * at an address from which it was used before, nor a person who is logged in to it.
 */
export class Limiter {
  readonly #log: EventLog;
  readonly #now: () => number;

  constructor(log: EventLog, now: () => number) {
    this.#log = log;
    this.#now = now;
  }

  /** Admits a try of a password, or throws `rate_limited`. */
  login({ email, user_id, address, logged_in = false }: Attempt): Admission {
    const from = networkOf(address);
    const known = logged_in || (user_id !== undefined && isKnown(this.#log.db, user_id, address));
    const own: Limited = { rule: RULES.known, key: logged_in ? `logged-in:${email}` : `known:${from} ${email}` };
    const account: Limited = known ? own : { rule: RULES.account, key: `account:${email}` };
    const host: Limited = { rule: RULES.address, key: `address:${from}` };
    this.#admit([account, host]);
    return {
      place: known ? { lane: 'known', whose: user_id ?? email } : { lane: 'strangers', whose: from },
      // The address keeps its count: an attacker could otherwise clear it by logging in to an account of their own.
      succeeded: () =>
        this.#log.write(
          ({ db }) => {
            deleteFailures(db, account.key);
            this.#takeBack(db, host.key);
          },
          { urgent: true },
        ),
    };
  }

  /** Admits a sign-up, or throws `rate_limited`. Successful ones count too. */
  signup(address: string): void {
    this.#admit([{ rule: RULES.signup, key: `signup:${networkOf(address)}` }]);
  }

  /** Admits a try of a link's code, or throws `rate_limited`. */
  link(address: string): Admission {
    const whose = networkOf(address);
    const host: Limited = { rule: RULES.link, key: `link:${whose}` };
    this.#admit([host]);
    return {
      place: { lane: 'strangers', whose },
      succeeded: () => this.#log.write(({ db }) => this.#takeBack(db, host.key), { urgent: true }),
    };
  }

  #admit(limits: Limited[]): void {
    const now = this.#now();
    this.#log.write(
      ({ db }) => {
        pruneFailures(db, this.#iso(now - FORGET_MS), ROWS_MAX);
        const until = Math.max(...limits.map((limit) => this.#blockedUntil(db, limit, now)));
        if (until > now)
          throw new ErrandError('rate_limited', 'Too many attempts: wait before the next one.', {
            retry_after_s: Math.ceil((until - now) / 1000),
          });
        for (const { key, rule } of limits) {
          const failures = (findFailures(db, key)?.failures ?? 0) + 1;
          const wait_ms = failures < rule.free ? 0 : Math.min(1000 * 2 ** (failures - rule.free), rule.wait_ms_max);
          putFailures(db, { key, failures, blocked_until: this.#iso(now + wait_ms), last_at: this.#iso(now) });
        }
      },
      { urgent: true },
    );
  }

  /**
   * In milliseconds since 1970. A wait longer than the rule allows was set before the clock was set back, and is
   * over.
   */
  #blockedUntil(db: Db, { key, rule }: Limited, now: number): number {
    const until = Date.parse(findFailures(db, key)?.blocked_until ?? '1970');
    return until - now > rule.wait_ms_max ? 0 : until;
  }

  #takeBack(db: Db, key: string): void {
    const row = findFailures(db, key);
    if (row) putFailures(db, { ...row, failures: Math.max(0, row.failures - 1), blocked_until: row.last_at });
  }

  #iso(ms: number): string {
    return new Date(ms).toISOString();
  }
}
