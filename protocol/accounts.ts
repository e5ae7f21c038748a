import { z } from 'zod';
import { Id, Time } from './ids.ts';
import { LIMITS } from './limits.ts';

/* The bodies of the routes for accounts and log-ins. Requests are strict: an error names each unknown field. */

/** An account. */
export const User = z.object({
  id: Id,
  email: z.string(),
  role: z.enum(['owner', 'member']).describe('the first account is the owner'),
  created_at: Time,
  has_password: z
    .boolean()
    .optional()
    .describe('false: the person signs in elsewhere only; absent from an older server'),
});
export type User = z.infer<typeof User>;

/** The caller's account, with what their errands have cost this month (UTC), in US dollars. */
export const Me = User.extend({
  month_usd: z.number().nonnegative().optional().describe('absent from an older server'),
  month_usd_max: z.number().nullable().optional().describe('the most that they may cost; null: there is no limit'),
});
export type Me = z.infer<typeof Me>;

const Email = z
  .string()
  .max(254)
  .transform((value) => value.trim().toLowerCase())
  .pipe(z.email('is not an e-mail address'));

/**
 * A new password, in Unicode's form NFKC: the same characters typed on another device may come in another form. bcrypt
 * reads at most 72 bytes, and stops at a NUL.
 */
const Password = z
  .string()
  .max(200, 'is too long: at most 72 bytes')
  .meta({ minLength: 10 })
  .transform((value) => value.normalize('NFKC'))
  .pipe(
    z
      .string()
      .min(10, 'is too short: at least 10 characters')
      .refine((value) => new TextEncoder().encode(value).length <= 72, 'is too long: at most 72 bytes')
      .refine((value) => !value.includes('\0'), 'contains a NUL character'),
  );

/** A password to compare with the stored one. It may be any text, in any Unicode form. */
export const PasswordAttempt = z.string().min(1).max(200);

/** Creates an account. */
export const Signup = z.strictObject({
  email: Email,
  password: Password,
  setup_code: z
    .string()
    .max(100)
    .optional()
    .describe('the one-time code that the server prints at its start; only the first account needs it'),
  invite: z.string().max(100).optional().describe('the code of an invitation, which lets one person sign up'),
});
/** Logs in. */
export const Login = z.strictObject({ email: Email, password: PasswordAttempt });
/** Logs in with the code of a log-in link. */
export const LinkLogin = z.strictObject({ code: z.string().min(1).max(100) });

/**
 * A link that works once. `code` is shown only in this answer. `link` has it in its fragment, which no client sends and
 * no proxy logs; null: the server does not know the address that people use, and the client puts the fragment behind
 * the address that it uses itself. Where that leads to the client's own machine, it takes `network_link` instead: the
 * link with an address at which other devices of the network reach the server, if there is one.
 */
export const OneTimeLink = z.object({
  id: Id,
  code: z.string(),
  fragment: z.string().describe('such as `login=<code>`, without the #'),
  link: z.string().nullable(),
  network_link: z.string().nullable().optional(),
  expires_at: Time,
});
export type OneTimeLink = z.infer<typeof OneTimeLink>;

const Confirmation = PasswordAttempt.optional().describe(
  `an account without one leaves it out, within ${LIMITS.fresh_login_s / 60} minutes after its log-in`,
);
/** Deletes the caller's account. The password confirms it. */
export const AccountDelete = z.strictObject({ password: Confirmation });
/** Exchanges or ends a refresh token. */
export const Refresh = z.strictObject({ refresh_token: z.string().max(200) });

/** The response to a sign-up, log-in and refresh. `expires_in`: seconds until the access token expires. */
export const Session = z.object({
  user: User,
  access_token: z.string(),
  refresh_token: z.string(),
  expires_in: z.number().int().positive(),
});
export type Session = z.infer<typeof Session>;

/** Changes the caller's password. */
export const PasswordChange = z.strictObject({ old_password: Confirmation, new_password: Password });

/** Gives another account a new password. Only for the owner of the server. */
export const PasswordReset = z.strictObject({ email: Email });
/** The new password, which is never shown again. */
export const PasswordResetDone = z.object({ email: z.string(), password: z.string() });
export type PasswordResetDone = z.infer<typeof PasswordResetDone>;

/**
 * One log-in of the caller. `user_agent` and `address` are those of its last log-in or refresh; null if not known.
 */
export const SessionInfo = z.object({
  id: Id,
  created_at: Time.describe('when it logged in'),
  last_used_at: Time.describe(
    'when it was last used; exact to a minute, and to the lifetime of an access token before the server last started',
  ),
  user_agent: z
    .string()
    .nullable()
    .describe(`the client's User-Agent header, cut to ${LIMITS.user_agent_chars_max} characters`),
  address: z.string().nullable().describe('the IP address of the client'),
  name: z.string().nullish().describe('what you call its device; null: nothing. Absent from an older server'),
  current: z.boolean().describe('whether this request came from it'),
});
export type SessionInfo = z.infer<typeof SessionInfo>;
/** Names the device of a log-in; null takes the name away. */
export const SessionPatch = z.strictObject({ name: z.string().trim().min(1, 'is empty').max(100).nullable() });
/** Newest first. `next_cursor` is null at the end. */
export const SessionPage = z.object({ items: z.array(SessionInfo), next_cursor: Id.nullable() });

/** A one-time ticket for the socket, valid for `expires_in` seconds. */
export const WsTicket = z.object({ ticket: z.string(), expires_in: z.number().int().positive() });
