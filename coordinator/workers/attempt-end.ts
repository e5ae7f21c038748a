import type { Logger } from 'pino';
import type { FailureReason } from '../../protocol/task.ts';
import { endAttempt } from '../tasks/advance.ts';
import { keepTrying } from '../base/retry.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import type { Db } from '../sqlite/database.ts';
import { findTask } from '../sqlite/tasks.ts';

/** Well within a lease, whose end would else be the attempt's, for a reason that is not the true one. */
const RETRY = { first_ms: 100, max_ms: 5_000 };

export type AttemptEndDeps = {
  log: EventLog;
  logger: Logger;
  /** The attempt was ended: after the commit. */
  onEnded: () => void;
};

/**
 * The end that a run gives its attempt. What cannot be stored at once (the disk is full, say) is kept: whoever found the attempt living later, and its
 * worker gone, would know no reason.
 */
export class AttemptEnd {
  readonly #deps: AttemptEndDeps;
  readonly #task_id: string;
  readonly #n: number;
  #unstored: (() => void) | undefined;

  constructor(deps: AttemptEndDeps, { task_id, n }: { task_id: string; n: number }) {
    this.#deps = deps;
    this.#task_id = task_id;
    this.#n = n;
  }

  /** Ends the attempt, where it has not ended yet, and does `also` with it; or keeps that for later. Never throws. */
  store(
    end: { status: 'failed' | 'cancelled'; reason: FailureReason | null; detail: string | null },
    also: (db: Db) => void,
  ): void {
    const { log, logger, onEnded } = this.#deps;
    const at = new Date().toISOString();
    const store = () =>
      log.write((tx) => {
        const task = findTask(tx.db, this.#task_id);
        if (!task || !endAttempt(tx, task, this.#n, { ...end, at })) return;
        also(tx.db);
        tx.afterCommit(onEnded);
      });
    try {
      store();
    } catch (error) {
      logger.error(
        { err: error },
        'the end of the attempt could not be stored; it is tried again once its worker has gone',
      );
      this.#unstored = store;
    }
  }

  /** Resolves once what was kept is stored, however often it takes, or the signal has aborted. Never rejects. */
  async settle(signal: AbortSignal): Promise<void> {
    if (!this.#unstored) return;
    const onFailure = (error: unknown) =>
      this.#deps.logger.error({ err: error }, 'the end of the attempt could not be stored; it is tried again');
    await keepTrying(this.#unstored, { ...RETRY, signal, onFailure });
  }
}
