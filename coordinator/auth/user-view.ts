import type { User } from '../../protocol/accounts.ts';
import type { UserRow } from '../sqlite/users.ts';

/** An account as the API shows it: without the password's hash. */
export function userView({ id, email, role, created_at }: UserRow): User {
  return { id, email, role, created_at };
}
