import { ErrandError } from '../../protocol/problem.ts';
import type { Tx } from '../sqlite/event-log.ts';
import { deleteLinkedAccountsOf } from '../sqlite/linked-accounts.ts';
import { deleteFailuresFor } from '../sqlite/login-failures.ts';
import { markRemoved } from '../sqlite/removed.ts';
import { hasOpenTask } from '../sqlite/tasks.ts';
import { releaseEmail, type UserRow } from '../sqlite/users.ts';

/**
 * Removes an account with its projects, tasks and logs, in the caller's transaction. Its email address is free at once.
 * The caller must end its sessions in the same transaction. Throws `conflict` while one of its tasks is queued or
 * running, and for the owner: on a server without an owner, the next to sign up becomes the owner.
 */
export function removeAccount(tx: Tx, { id, email, role }: UserRow): void {
  if (role === 'owner')
    throw new ErrandError(
      'conflict',
      "The owner's account cannot be deleted: the next person to sign up would own the server.",
    );
  if (hasOpenTask(tx.db, id)) throw new ErrandError('conflict', 'One of your tasks has not ended: cancel it first.');
  releaseEmail(tx.db, id);
  deleteFailuresFor(tx.db, email);
  deleteLinkedAccountsOf(tx.db, id);
  markRemoved(tx.db, 'user', id);
  tx.announce('removed');
}
