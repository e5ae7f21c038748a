import { z } from 'zod';
import { User } from './accounts.ts';
import { Id, Time } from './ids.ts';
import { LIMITS } from './limits.ts';

/* The bodies of the routes by which the owner of a server manages its people. */

/** An account as the owner sees it. */
export const Person = User.extend({
  blocked_at: Time.nullable().describe('since when the person is blocked; null: is not'),
  last_used_at: Time.nullable().describe(
    'when one of their devices was last used, exact to the lifetime of an access token',
  ),
  month_usd: z.number().nonnegative().describe('what their errands have cost this month (UTC), in US dollars'),
  errands: z.number().int().nonnegative().describe('their errands that have not ended'),
});
export type Person = z.infer<typeof Person>;
/** Oldest account first. `next_cursor` is null at the end. */
export const PersonPage = z.object({ items: z.array(Person), next_cursor: Id.nullable() });

/** Makes an invitation. */
export const InviteCreate = z.strictObject({
  expires_in_days: z.number().int().positive().max(LIMITS.invite_days_max).default(7),
});
/** An invitation that was not used yet. Its code was shown when it was made. */
export const Invite = z.object({ id: Id, created_at: Time, expires_at: Time });
export type Invite = z.infer<typeof Invite>;
/** All invitations that are open, newest first. */
export const InviteList = z.object({ items: z.array(Invite) });
