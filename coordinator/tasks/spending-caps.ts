import { ErrandError } from '../../protocol/problem.ts';
import type { Db } from '../sqlite/database.ts';
import { personSpending, serverSpending } from '../sqlite/spending.ts';

/** The most that model requests may cost in a calendar month (UTC), in US dollars. Undefined: there is no cap. */
export type SpendingCaps = { person_month_usd?: number | undefined; server_month_usd?: number | undefined };

/** A cap with what it has left, less what requests in progress may cost. `refusal`: what to say once it is reached. */
type CapLeft = { cap_usd: number; cost_usd: number; open_usd: number; refusal: string };

/** A cap that cannot pay for the next request. Retrying helps once the month is over. */
export class SpendingCapReached extends ErrandError {
  constructor(message: string, retry_after_s: number) {
    super('rate_limited', message, { retry_after_s });
  }
}

/** The month of a time, such as `2026-11`, by which spending is kept. */
export function monthOf(now_ms: number): string {
  return new Date(now_ms).toISOString().slice(0, 7);
}

/** The day (UTC) of a time, such as `2026-11-28`. */
export function dayOf(now_ms: number): string {
  return new Date(now_ms).toISOString().slice(0, 10);
}

/** What the caps leave for a person's next request. */
export function capsLeft(db: Db, caps: SpendingCaps, user_id: string, now_ms: number): CapLeft[] {
  const { person_month_usd, server_month_usd } = caps;
  const month = monthOf(now_ms);
  const left: CapLeft[] = [];
  if (person_month_usd !== undefined)
    left.push({
      cap_usd: person_month_usd,
      ...personSpending(db, user_id, month),
      refusal: `Your errands may cost $${person_month_usd} a month on this server`,
    });
  if (server_month_usd !== undefined)
    left.push({
      cap_usd: server_month_usd,
      ...serverSpending(db, month),
      refusal: `All errands of this server may cost $${server_month_usd} a month`,
    });
  return left;
}

/** What a person's errands have cost this month, and the most that they may, in US dollars. */
export function monthOfPerson(
  db: Db,
  { person_month_usd }: SpendingCaps,
  user_id: string,
): { month_usd: number; month_usd_max: number | null } {
  const { cost_usd } = personSpending(db, user_id, monthOf(Date.now()));
  return { month_usd: cost_usd, month_usd_max: person_month_usd ?? null };
}

/** The error for a request that a cap cannot pay for. */
export function capReached({ refusal }: CapLeft, now_ms: number): SpendingCapReached {
  const now = new Date(now_ms);
  const next = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
  const day = new Date(next).toISOString().slice(0, 10);
  const message = `${refusal}, and what is left does not pay for the next request. A new month begins on ${day} (UTC); the owner of the server can raise the limit.`;
  return new SpendingCapReached(message, Math.ceil((next - now_ms) / 1000));
}
