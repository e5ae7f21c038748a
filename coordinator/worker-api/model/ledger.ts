import { ErrandError } from '../../../protocol/problem.ts';
import type { Usage } from '../../../protocol/task.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import type { Logger } from '../../base/logger.ts';
import type { Price, Prices, Tokens } from '../../domain/prices.ts';
import {
  deleteOpenRequest,
  insertOpenRequest,
  listOpenRequests,
  sumOpenRequests,
  updateOpenPrompt,
} from '../../sqlite/open-requests.ts';
import { addUsage, findBudget } from '../../sqlite/usage.ts';
import type { Caller } from '../caller.ts';
import { shareOfBudget } from './budget.ts';
import { estimateInterrupted } from './interrupted.ts';
import type { Metered } from './meter.ts';
import type { LlmRequest } from './policy.ts';
import { toOpenPrompt, toUsage } from './usage.ts';

/** Budget that is reserved for one request in progress, in a database row, until its real cost is known. */
export type Reservation = {
  id: number;
  payer: Payer;
  /** The model that was asked for. */
  model: string;
  /** The `max_tokens` of the request, or fewer where the budget does not pay for so many. */
  max_tokens: number;
  /** The unspent budget before this request, in US dollars. */
  left_usd: number;
};

/** The attempt whose task pays. */
type Payer = Pick<Caller, 'task_id' | 'user_id' | 'attempt'>;
/** The cost of a request that has ended. Without `usage` it cost nothing. */
type Charge = { id: number; payer: Payer; model: string; usage: Usage | undefined };

/**
 * Keeps every task within its budget. It reserves the most that a request may cost before the request is sent, and
 * replaces the reservation by the real cost in one transaction, so that each request is charged exactly once even
 * where this process dies. While a charge cannot be stored, no further request is sent.
 */
export class Ledger {
  readonly #log: EventLog;
  readonly #prices: Prices;
  readonly #logger: Logger;
  /** Charges that could not be stored yet. */
  #unstored: Charge[];

  /** Charges for the requests that were in progress when an earlier process died. */
  constructor(log: EventLog, prices: Prices, logger: Logger) {
    this.#log = log;
    this.#logger = logger;
    this.#prices = prices;
    const now_ms = Date.now();
    this.#unstored = listOpenRequests(log.db).map((request) => {
      const { id, task_id, user_id, attempt, model } = request;
      return { id, payer: { task_id, user_id, attempt }, model, usage: estimateInterrupted(request, now_ms) };
    });
    for (const { payer, usage } of this.#unstored)
      logger.warn({ ...payer, usage }, 'model request interrupted by a server crash; cost estimated');
    this.#tryToStore();
  }

  /** The price of a model. Throws `forbidden` where it has none. */
  priceOf(model: string): Price {
    const price = this.#prices.of(model);
    if (price) return price;
    throw new ErrandError('forbidden', `The model '${model}' has no price on this server, so no task may use it.`);
  }

  /**
   * Reserves the most that a request may cost, and resolves once the reservation is on disk. Rejects with
   * `BudgetSpent` where the task's budget cannot pay for the request, `rate_limited` where it could once the task's
   * other requests have ended, and `unavailable` while the database cannot be written.
   */
  async reserve(payer: Payer, request: LlmRequest & { max_tokens: number }): Promise<Reservation> {
    const { model } = request;
    const price = this.priceOf(model);
    this.#store();
    const { task_id, user_id, attempt } = payer;
    const reservation = this.#log.enqueue((tx) => {
      const budget = findBudget(tx.db, task_id);
      if (!budget) throw new ErrandError('not_found', 'There is no such task.');
      const share = shareOfBudget(request, price, budget, sumOpenRequests(tx.db, task_id));
      const { prompt, max_tokens, output_usd, left_usd } = share;
      const row = { task_id, attempt, model, ...prompt, max_tokens, output_usd, at: new Date().toISOString() };
      return { id: insertOpenRequest(tx.db, row), payer: { task_id, user_id, attempt }, model, max_tokens, left_usd };
    });
    return reservation.catch((error: unknown) => {
      throw error instanceof ErrandError ? error : cannotStore(error);
    });
  }

  /**
   * Replaces the reserved cost of the prompt by the real one, which the API reports when its answer begins. Does not
   * wait for the disk.
   */
  recordPrompt({ id, payer, model: requested }: Reservation, model: string, tokens: Tokens): void {
    const priced = this.#pricedModel(model, requested);
    const prompt = toOpenPrompt(tokens, this.priceOf(priced));
    this.#log
      .enqueue((tx) => updateOpenPrompt(tx.db, id, { ...prompt, model: priced, at: new Date().toISOString() }))
      .catch((error: unknown) => this.#logger.debug({ err: error, ...payer }, 'prompt cost not stored'));
  }

  /**
   * Charges for a request that has ended, and releases its reservation. `metered` is undefined where the request cost
   * nothing. Returns what was charged. Never throws: a charge that cannot be stored is kept, and `reserve` stores it
   * before it lets another request through.
   */
  settle({ id, payer, model: requested }: Reservation, metered: Metered | undefined): Usage | undefined {
    const model = metered ? this.#pricedModel(metered.model, requested) : requested;
    const usage = metered && toUsage(metered.parts, this.priceOf(model));
    this.#unstored.push({ id, payer, model, usage });
    this.#tryToStore();
    return usage;
  }

  /** The answer names the model that wrote it. A name without a price is an alias of the model that was asked for. */
  #pricedModel(model: string, requested: string): string {
    return this.#prices.has(model) ? model : requested;
  }

  #tryToStore(): void {
    try {
      this.#store();
    } catch (error) {
      this.#logger.error({ err: error, unstored: this.#unstored }, 'model cost not stored; retrying');
    }
  }

  #store(): void {
    const charges = this.#unstored;
    if (charges.length === 0) return;
    try {
      this.#log.write((tx) => {
        const at = new Date().toISOString();
        for (const { id, payer, model, usage } of charges) {
          deleteOpenRequest(tx.db, id);
          const { task_id, user_id, attempt } = payer;
          const total = usage && addUsage(tx.db, task_id, usage, at);
          const task = { id: task_id, user_id, attempt };
          if (total) tx.note(task, { type: 'usage.updated', body: { model, usage: total } }, at);
        }
      });
    } catch (error) {
      throw cannotStore(error);
    }
    this.#unstored = [];
  }
}

function cannotStore(cause: unknown): ErrandError {
  const message = "The server cannot store the cost of this task's model requests at the moment.";
  return new ErrandError('unavailable', message, { cause, retry_after_s: 5 });
}
