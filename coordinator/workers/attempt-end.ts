import type { FailureReason } from '../../protocol/task.ts';
import type { Logger } from '../base/logger.ts';
import { retry } from '../base/retry.ts';
import type { Db } from '../sqlite/database.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import { findTask } from '../sqlite/tasks.ts';
import { endAttempt } from '../tasks/advance.ts';

/** Much shorter than a lease, whose expiry would end the attempt for the wrong reason. */
const RETRY = { first_ms: 100, max_ms: 5_000 };

export type AttemptEndDependencies = { log: EventLog; logger: Logger };

/**
 * Stores the end of an attempt that the coordinator itself ended. An end that cannot be stored at once, because the
 * disk is full, is kept and retried: after a restart nobody would know the reason.
 */
export class AttemptEnd {
  readonly #deps: AttemptEndDependencies;
  readonly #task_id: string;
  readonly #n: number;
  #unstored: (() => void) | undefined;

  constructor(deps: AttemptEndDependencies, { task_id, n }: { task_id: string; n: number }) {
    this.#deps = deps;
    this.#task_id = task_id;
    this.#n = n;
  }

  /**
   * Ends the attempt unless it has ended already, and runs `also` in the same transaction. Where the database refuses
   * that, it is kept for `flush`. Never throws.
   */
  store(
    end: {
      status: 'failed' | 'cancelled';
      reason: FailureReason | null;
      detail: string | null;
      engine_lost?: boolean;
      final?: boolean;
    },
    also: (db: Db) => void,
  ): void {
    const { log, logger } = this.#deps;
    const at = new Date().toISOString();
    const store = () =>
      log.write(
        (tx) => {
          const task = findTask(tx.db, this.#task_id);
          if (task && endAttempt(tx, task, this.#n, { ...end, at })) also(tx.db);
        },
        { urgent: true },
      );
    try {
      store();
    } catch (error) {
      logger.error({ err: error }, 'attempt end not stored; retrying once the worker is gone');
      this.#unstored = store;
    }
  }

  /**
   * Stores an end that was kept, with retries. Resolves once it is stored or the signal has aborted. Never rejects.
   */
  async flush(signal: AbortSignal): Promise<void> {
    if (!this.#unstored) return;
    const onFailure = (error: unknown) => this.#deps.logger.error({ err: error }, 'attempt end not stored; retrying');
    await retry(this.#unstored, { ...RETRY, signal, onFailure });
  }
}
