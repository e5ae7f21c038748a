import { attemptKey } from '../../domain/attempt-key.ts';
import type { ResultPost } from '../../../protocol/worker-schemas.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import { SpendingCapReached } from '../../tasks/spending-caps.ts';
import type { Caller } from '../caller.ts';
import type { BudgetSpent } from './error.ts';

/**
 * Remembers in which attempts the task's budget, or what may be spent in a month, could not pay for the newest model
 * request. A worker that takes this for an outage would fail for hours, and its person would not learn what it is.
 */
export class BudgetWatch {
  /** What a result becomes, by attempt. */
  readonly #refusals = new Map<string, Partial<ResultPost>>();

  constructor(log: EventLog) {
    log.subscribe('attempt.ended', (ended) => this.#refusals.delete(attemptKey(ended)));
  }

  /** A request has begun: what became of those before it no longer counts. */
  begun(caller: Caller): void {
    this.#refusals.delete(attemptKey(caller));
  }

  /** The budget or a monthly cap could not pay for a request. */
  refused(caller: Caller, error: BudgetSpent | SpendingCapReached): void {
    if (caller.signal.aborted) return;
    const { message: detail } = error;
    this.#refusals.set(
      attemptKey(caller),
      error instanceof SpendingCapReached
        ? { reason: 'spending_cap', detail }
        : { reason: 'budget_exhausted', detail, retry_at: null },
    );
  }

  /** The result with its real reason, where its worker says that the model was unavailable. */
  correct(attempt: Pick<Caller, 'task_id' | 'attempt'>, result: ResultPost): ResultPost {
    const known = this.#refusals.get(attemptKey(attempt));
    return known && result.reason === 'model_unavailable' ? { ...result, ...known } : result;
  }
}
