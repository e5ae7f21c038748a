import { ErrandError } from '../../protocol/problem.ts';
import type { TaskClaims, TaskTokens } from '../auth/task-tokens.ts';
import { attemptKey } from '../domain/attempt-key.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import type { Leases } from '../workers/leases.ts';
import type { Caller } from './caller.ts';
import { readAttemptState, requireActive, type ListenerId } from './fence.ts';

export type AdmissionDependencies = { log: EventLog; tokens: TaskTokens; leases: Leases };

/** Decides who may call: checks the task token, then whether its attempt is active. */
export class Admission {
  readonly #log: EventLog;
  readonly #tokens: TaskTokens;
  readonly #leases: Leases;
  /** By attempt: aborts the requests that are being forwarded for it. Dropped when the attempt ends. */
  readonly #active = new Map<string, AbortController>();

  constructor({ log, tokens, leases }: AdmissionDependencies) {
    this.#log = log;
    this.#tokens = tokens;
    this.#leases = leases;
    log.subscribe('attempt.ended', ({ task_id, attempt }) => this.#ended(task_id, attempt));
  }

  /**
   * Verifies a task token, and renews the lease of its attempt. Rejects with `unauthenticated` where the token is
   * missing, not valid, or names another task than `task_id`. A token that expired less than `grace_s` seconds ago is
   * accepted.
   */
  async authenticate(token: string | undefined, task_id?: string, grace_s = 0): Promise<TaskClaims> {
    if (token === undefined) throw new ErrandError('unauthenticated', 'There is no task token.');
    const claims = await this.#tokens.verify(token, grace_s);
    if (task_id !== undefined && claims.task_id !== task_id)
      throw new ErrandError('unauthenticated', 'The task token belongs to another task.');
    // Even where the call is refused later: it shows that the worker is alive.
    this.#leases.renew(claims.task_id, claims.attempt);
    return claims;
  }

  /** Returns the caller. Throws where its attempt is not active now. */
  requireActive(claims: TaskClaims, listener: ListenerId): Caller {
    const { task_id, attempt } = claims;
    const state = readAttemptState(this.#log.db, claims, listener);
    requireActive(state, attempt);
    const key = attemptKey({ task_id, attempt });
    const controller = this.#active.get(key) ?? new AbortController();
    this.#active.set(key, controller);
    return { task_id, attempt, user_id: state.user_id, signal: controller.signal };
  }

  #ended(task_id: string, attempt: number): void {
    const key = attemptKey({ task_id, attempt });
    this.#active.get(key)?.abort(new ErrandError('stale_attempt', `Attempt ${attempt} has ended.`));
    this.#active.delete(key);
    this.#tokens.forget(task_id, attempt);
  }
}
