import { ErrandError } from '../../protocol/problem.ts';
import { findAttemptState, type AttemptState } from '../sqlite/attempts.ts';
import type { Db } from '../sqlite/database.ts';
import type { TaskClaims } from '../auth/task-tokens.ts';

/**
 * The listener that received a call: the socket of one worker, or the shared TCP port, which does not identify the
 * caller.
 */
export type ListenerId = { worker: string } | 'tcp';

/**
 * Reads the state of the token's attempt. The database row decides whether the attempt may still act, so read it in
 * the transaction that stores what the worker sent, or right before a request is forwarded. Throws `unauthenticated`
 * where the attempt does not exist, or where the call came through another worker's socket.
 */
export function readAttemptState(db: Db, claims: TaskClaims, listener: ListenerId): AttemptState {
  const state = findAttemptState(db, claims.task_id, claims.attempt);
  if (!state) throw new ErrandError('unauthenticated', 'The task token belongs to an attempt that does not exist.');
  requireListener(state, listener);
  return state;
}

/** Throws `unauthenticated` where the call came through another worker's socket. */
export function requireListener(state: AttemptState, listener: ListenerId): void {
  if (listener !== 'tcp' && listener.worker !== state.worker)
    throw new ErrandError('unauthenticated', "The task token was used on another worker's socket.");
}

/**
 * Throws `attempt_ended` where the worker's result is already stored, and `stale_attempt` where the attempt was given
 * up.
 */
export function requireActive(state: AttemptState, attempt: number): void {
  if (state.result_at !== null)
    throw new ErrandError('attempt_ended', 'This attempt has already reported its result. It can send nothing more.');
  if (state.newest !== attempt || (state.attempt_status !== 'starting' && state.attempt_status !== 'running'))
    throw new ErrandError('stale_attempt', `Attempt ${attempt} was given up. Stop at once.`);
}
