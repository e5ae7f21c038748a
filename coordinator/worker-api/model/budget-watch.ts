import { attemptKey } from '../../domain/attempt-key.ts';
import type { ResultPost } from '../../../protocol/worker-schemas.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import type { Caller } from '../caller.ts';
import type { BudgetSpent } from './error.ts';

/**
 * Remembers in which attempts the budget could not pay for the newest model request. A worker that takes this for an
 * outage would fail for hours, and its person would not learn that it is the budget.
 */
export class BudgetWatch {
  /** Why a budget could not pay, by attempt. */
  readonly #refusals = new Map<string, string>();

  constructor(log: EventLog) {
    log.subscribe('attempt.ended', (ended) => this.#refusals.delete(attemptKey(ended)));
  }

  /** A request has begun: what became of those before it no longer counts. */
  begun(caller: Caller): void {
    this.#refusals.delete(attemptKey(caller));
  }

  /** The budget could not pay for a request. */
  refused(caller: Caller, { message }: BudgetSpent): void {
    if (!caller.signal.aborted) this.#refusals.set(attemptKey(caller), message);
  }

  /** The result with the budget as its reason, where its worker says that the model was unavailable. */
  correct(attempt: Pick<Caller, 'task_id' | 'attempt'>, result: ResultPost): ResultPost {
    const detail = this.#refusals.get(attemptKey(attempt));
    if (result.reason !== 'model_unavailable' || detail === undefined) return result;
    return { ...result, reason: 'budget_exhausted', detail, retry_at: null };
  }
}
