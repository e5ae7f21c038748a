import type { User } from '../../protocol/accounts.ts';
import { NO_PASSWORD, type UserRow } from '../sqlite/users.ts';

/** An account as the API shows it: without the password's hash. */
export function userView({ id, email, role, created_at, password_hash }: UserRow): User {
  return { id, email, role, created_at, has_password: password_hash !== NO_PASSWORD };
}
