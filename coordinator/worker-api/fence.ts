import { ErrandError } from '../../protocol/problem.ts';
import { findAttemptState, type AttemptState } from '../sqlite/attempts.ts';
import type { Db } from '../sqlite/database.ts';
import type { TaskClaims } from '../auth/task-tokens.ts';

/** Which listener a call came by: the socket of one worker, or TCP, which proves nothing of who calls. */
export type Via = { worker: string } | 'tcp';

/**
 * How the attempt of a token stands. Its row has the last word, so this is asked in the transaction that stores what was sent, or right before something is
 * carried. Throws `unauthenticated` where there is no such attempt, or the call came by another worker's socket.
 */
export function standingOf(db: Db, claims: TaskClaims, via: Via): AttemptState {
  const standing = findAttemptState(db, claims.task_id, claims.attempt);
  if (!standing) throw new ErrandError('unauthenticated', 'The task token is of an attempt that does not exist.');
  if (via !== 'tcp' && via.worker !== standing.worker)
    throw new ErrandError('unauthenticated', "The task token came by another worker's socket.");
  return standing;
}

/** Throws `attempt_ended` where the worker's own result is known, `stale_attempt` where the attempt was given up. */
export function requireLiving(standing: AttemptState, attempt: number): void {
  if (standing.result_at !== null)
    throw new ErrandError('attempt_ended', 'The result of this attempt is known: nothing more is taken.');
  if (standing.newest !== attempt || (standing.attempt_status !== 'starting' && standing.attempt_status !== 'running'))
    throw new ErrandError('stale_attempt', `Attempt ${attempt} was given up: stop at once.`);
}
