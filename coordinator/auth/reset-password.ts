import { randomInt } from 'node:crypto';
import type { PasswordResetDone } from '../../protocol/accounts.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { appendAudit, type Audited } from '../sqlite/audit.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import { deleteFailuresFor } from '../sqlite/login-failures.ts';
import { findUserByEmail, updatePassword } from '../sqlite/users.ts';
import type { Passwords } from './passwords.ts';
import type { Sessions } from './sessions.ts';

type Dependencies = { log: EventLog; passwords: Passwords; sessions: Sessions };

/** Letters and digits that are not confused when read aloud: no `i`, `l`, `o`, `u`, `0` or `1`. */
const ALPHABET = 'abcdefghjkmnpqrstvwxyz23456789';
const GROUPS = 4;
const GROUP_CHARS = 5;

/**
 * Gives an account a new random password, ends its log-ins, and clears its failed ones, so that it can log in at
 * once. Only the returned value contains the password. The caller checks who may do this. `by`: who does it, for the
 * audit log; by default somebody on the command line. `check` throws if they may not any more, once the password is
 * hashed. `email` in its stored form. Rejects with `not_found` if there is
 * no such account.
 */
export async function resetPassword(
  { log, passwords, sessions }: Dependencies,
  email: string,
  by: Pick<Audited, 'user_id' | 'address'> = {},
  check: () => void = () => undefined,
): Promise<PasswordResetDone> {
  if (!findUserByEmail(log.db, email)) throw noAccount(email);
  const password = randomPassword();
  const hash = await passwords.hash(password, { lane: 'known', whose: email });
  log.write((tx) => {
    check();
    // The account may have been deleted while the password was being hashed.
    const user = findUserByEmail(tx.db, email);
    if (!user) throw noAccount(email);
    updatePassword(tx.db, user.id, user.password_hash, hash);
    deleteFailuresFor(tx.db, email);
    sessions.endAll(tx, user.id, { why: 'the password was reset' });
    appendAudit(tx.db, { action: 'password.reset', subject: user.id, detail: { email }, ...by });
  });
  return { email, password };
}

/** 98 random bits, in groups that are easy to type: `k3vx8-…`. */
function randomPassword(): string {
  const group = () => Array.from({ length: GROUP_CHARS }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join('');
  return Array.from({ length: GROUPS }, group).join('-');
}

function noAccount(email: string): ErrandError {
  return new ErrandError('not_found', `There is no account with the e-mail address ${email}.`, {
    errors: [{ field: '/email', message: 'has no account here' }],
  });
}
