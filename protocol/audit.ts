import { z } from 'zod';
import { Time } from './ids.ts';
import { LIMITS } from './limits.ts';

/* The audit log: who did what on a server. Its owner reads it. */

/** What is recorded, and what each action means. `subject` and `detail` differ by action. */
export const AUDIT_ACTIONS = {
  'account.created':
    'Somebody signed up. `invite`: the invitation; `issuer`, `login`: the account that they signed in with.',
  'account.removed':
    'Somebody deleted their account, or the owner that of somebody else. `subject`: the account, if it is another one.',
  'account.blocked': 'The owner blocked an account. `subject`: the account; `errands`: how many were stopped.',
  'account.unblocked': 'The owner let a blocked account in again. `subject`: the account.',
  'invite.created': 'The owner made a link by which one person can sign up. `subject`: the invitation.',
  'invite.revoked': 'The owner revoked an invitation. `subject`: the invitation.',
  'login.succeeded':
    'Somebody logged in. `subject`: the log-in; `link`: the log-in link that was used; `issuer`: where they signed in.',
  'login_link.created':
    'Somebody made a link that logs a device in. `subject`: the link. Without an address: on the command line.',
  'login.failed': 'Somebody gave a wrong password, or the right one of a `blocked` account. `subject`: the account.',
  'login.ended': 'A log-in ended before it expired. `subject`: the log-in; `why`.',
  'password.changed': 'Somebody changed their password.',
  'password.reset': 'An account got a new password. `subject`: the account. Without an address: on the command line.',
  'token.created': 'Somebody made an API token. `subject`: the token.',
  'token.revoked': 'Somebody revoked an API token. `subject`: the token.',
  'account.linked':
    'Somebody linked an account at a forge or the identity provider. `subject`: the link; `issuer`, `login`.',
  'account.unlinked': 'Somebody unlinked an account. `subject`: the link; `issuer`, `login`.',
  'account.link_broken':
    'A forge does not accept the tokens of a linked account any more. `subject`: the link; `issuer`, `login`.',
  'forge.app_created': 'The owner made an app at a forge. `subject`: the forge; `app`.',
  'forge.app_removed': 'The owner had the server forget its app at a forge. `subject`: the forge; `app`.',
  'channel.created': 'Somebody wants to be notified somewhere. `subject`: the channel; `kind`, `host`.',
  'channel.removed': 'Somebody removed a device, webhook or ntfy topic. `subject`: the channel.',
  'project.created': 'Somebody made a project. `subject`: the project.',
  'project.changed': 'Somebody changed a project. `subject`: the project; `fields`: what was set.',
  'project.removed': 'Somebody deleted a project. `subject`: the project.',
  'schedule.created': 'Somebody made a schedule. `subject`: the schedule.',
  'schedule.changed': 'Somebody changed a schedule. `subject`: the schedule; `fields`: what was set.',
  'schedule.removed': 'Somebody deleted a schedule. `subject`: the schedule.',
  'secrets.set': 'Somebody set or removed secrets of a project. `subject`: the project; `names`, never values.',
  'secrets.used':
    'A worker was given secrets, or git the credential of a host. `subject`: the task; `names` or `host`.',
  'git.pushed':
    'A worker pushed. `subject`: the task; `host`, `repository` (the key; absent: the first), and `refs` with the new commits, without those that the forge refused.',
  'git.lfs_uploaded':
    'A worker uploaded an object of Git LFS. `subject`: the task; `host`, `repository` as above, `oid` and `size`.',
  'host.reached': 'A worker opened a tunnel to a host. `subject`: the task; `host`, once for each attempt.',
  'budget.approved': 'Somebody gave an errand another budget. `subject`: the task; `budget_usd`.',
  'need.answered':
    'Somebody made a decision for an errand. `subject`: the task; `kind` and `choose`, never the text; `channel`: of the notification.',
  'pull.ready_asked':
    'Somebody asked a forge to mark a pull request as ready for review. `subject`: the task; `repository`, `number`, `commit`.',
  'pull.merge_asked':
    'Somebody asked a forge to merge a pull request. `subject`: the task; `repository`, `number`, `commit`, `method`.',
  'settings.changed':
    'The server started with other settings than before. `changed`: their names, and values unless secret.',
  'audit.cut':
    'The server deleted the oldest entries, for there were too many. `up_to`: the last of them; `hash`: its hash.',
  'keys.created':
    'The server made new keys, for `keys.json` was missing. All log-ins, API tokens and invitations have ended.',
  'keys.rotated': 'The owner made new signing keys. `subject`: their id.',
} as const;
export type AuditAction = keyof typeof AUDIT_ACTIONS;

/**
 * One entry. `action` is one of `AUDIT_ACTIONS`, or one of a newer server. `user_id` and `email`: who did it; null:
 * somebody unknown, or the server. `hash` is the SHA-256 of `auditText`, in hexadecimal.
 */
export const AuditEntry = z.object({
  id: z.number().int().positive().describe('counts from 1 without gaps'),
  at: Time,
  action: z.string().describe(actionsText()),
  user_id: z.string().nullable(),
  email: z.string().nullable(),
  address: z.string().nullable(),
  subject: z.string().nullable(),
  detail: z.record(z.string(), z.unknown()),
  previous_hash: z.string().describe('the hash of the entry before; empty for the first one'),
  hash: z.string(),
});
export type AuditEntry = z.infer<typeof AuditEntry>;

/** The actions and their meanings, one per line. */
function actionsText(): string {
  return Object.entries(AUDIT_ACTIONS)
    .map(([action, meaning]) => `\`${action}\`: ${meaning}`)
    .join('\n');
}

/** The text whose SHA-256 is the hash of an entry. */
export function auditText(entry: Omit<AuditEntry, 'hash'>): string {
  const { previous_hash, id, at, action, user_id, email, address, subject, detail } = entry;
  return JSON.stringify([previous_hash, id, at, action, user_id, email, address, subject, detail]);
}

/** A page: the newest entries first, older than `before`; or, with `after`, the oldest first, newer than that. */
export const AuditQuery = z.strictObject({
  limit: z.coerce.number().int().positive().max(LIMITS.page_items_max).default(LIMITS.page_items_default),
  before: z.coerce.number().int().positive().optional(),
  after: z.coerce.number().int().nonnegative().optional(),
});

/** `next_cursor`: the `before` or `after` of the next page; null at the end. */
export const AuditPage = z.object({ items: z.array(AuditEntry), next_cursor: z.number().int().nullable() });

/** The id of the new signing keys. */
export const KeysRotated = z.object({ id: z.string() });
