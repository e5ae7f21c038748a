import { ErrandError } from '../../protocol/problem.ts';
import type { Tx } from '../sqlite/event-log.ts';
import { deleteFailuresFor } from '../sqlite/login-failures.ts';
import { markRemoved } from '../sqlite/removed.ts';
import { isUserAtWork } from '../sqlite/tasks.ts';
import { releaseEmail, type UserRow } from '../sqlite/users.ts';

/**
 * Removes an account, in the caller's transaction, with its projects, its tasks and their logs; its address is free at once. Its log-ins must be ended
 * in the same transaction. Throws `conflict` while a task of it waits or is at work, and for the owner: on a server without one, whoever signs
 * up next owns it.
 */
export function removeAccount(tx: Tx, { id, email, role }: UserRow): void {
  if (role === 'owner')
    throw new ErrandError(
      'conflict',
      "The owner's account cannot be deleted: the next to sign up would own the server.",
    );
  if (isUserAtWork(tx.db, id))
    throw new ErrandError('conflict', 'A task of yours waits or is at work: cancel it first.');
  releaseEmail(tx.db, id);
  deleteFailuresFor(tx.db, email);
  markRemoved(tx.db, 'user', id);
  tx.announce('removed');
}
