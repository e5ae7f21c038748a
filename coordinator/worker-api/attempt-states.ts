import type { TaskClaims } from '../auth/task-tokens.ts';
import type { AttemptState } from '../sqlite/attempts.ts';
import { countChanges } from '../sqlite/database.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import { readAttemptState, requireActive, requireListener, type ListenerId } from './fence.ts';

/** Where a callback comes from: the claims of its token, and the listener that received it. */
export type Origin = { claims: TaskClaims; listener: ListenerId };

/**
 * The states of active attempts, so that a callback need not read them while nothing but events was stored since.
 * SQLite counts all rows that this process changes: if there are others than those of `stored`, or something was rolled
 * back, all states are read again.
 */
export class AttemptStates {
  readonly #log: EventLog;
  #seen = { changes: 0, rollbacks: 0 };
  /** By task. */
  readonly #states = new Map<string, { attempt: number; state: AttemptState }>();

  constructor(log: EventLog) {
    this.#log = log;
  }

  /**
   * The state of the call's attempt now, also in an open transaction. Throws as `readAttemptState` does, and where the
   * attempt is not active.
   */
  active({ claims, listener }: Origin): AttemptState {
    const { db, rollbacks } = this.#log;
    const changes = countChanges(db);
    if (changes !== this.#seen.changes || rollbacks !== this.#seen.rollbacks) this.#states.clear();
    this.#seen = { changes, rollbacks };
    const { task_id, attempt } = claims;
    const known = this.#states.get(task_id);
    if (known?.attempt === attempt) {
      requireListener(known.state, listener);
      return known.state;
    }
    const state = readAttemptState(db, claims, listener);
    requireActive(state, attempt);
    this.#states.set(task_id, { attempt, state });
    return state;
  }

  /**
   * A call whose attempt was `active` has stored events, for which it changed so many `rows`: `state` follows from
   * that. If it has changed others too, the count does not fit, and the next call reads its state.
   */
  stored({ task_id, attempt }: TaskClaims, state: AttemptState, rows: number): void {
    this.#seen.changes += rows;
    this.#states.set(task_id, { attempt, state });
  }
}
