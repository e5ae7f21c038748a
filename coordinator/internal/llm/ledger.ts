import { ErrandError } from '../../../protocol/problem.ts';
import type { Usage } from '../../../protocol/task.ts';
import type { Log } from '../../log.ts';
import type { Logger } from '../../logger.ts';
import { costOf, type Price, type Prices, type Tokens } from '../../prices.ts';
import { addUsage, findBudget } from '../../sqlite/usage.ts';
import type { Caller } from '../caller.ts';
import { BudgetSpent } from './error.ts';
import type { Metered } from './meter.ts';
import type { LlmRequest } from './policy.ts';

/** What a request may cost at most, held until it is known what it did cost. */
export type Reservation = {
  task_id: string;
  usd: number;
  /** As many as were asked for, or as the budget affords. */
  max_tokens: number;
  /** What of the budget was unspent before this request. */
  left_usd: number;
};

type Entry = { caller: Caller; model: string; usage: Usage };

/** An answer shorter than this is of no use: a budget that affords less is spent. */
const OUTPUT_TOKENS_MIN = 1024;
const NONE: Tokens = { input: 0, cache_write_5m: 0, cache_write_1h: 0, cache_read: 0, output: 0 };

/**
 * What tasks spend. A request is let through once its worst case fits into what its task has left, and what requests under way may cost counts
 * as spent: so no task goes over its budget. What was spent is in the task's row; what cannot be written there keeps every further request from going out.
 */
export class Ledger {
  readonly #log: Log;
  readonly #prices: Prices;
  readonly #logger: Logger;
  readonly #reserved = new Set<Reservation>();
  #unwritten: Entry[] = [];

  constructor(log: Log, prices: Prices, logger: Logger) {
    this.#log = log;
    this.#logger = logger;
    this.#prices = prices;
  }

  /** The price of a model; throws `forbidden` where it has none. */
  priceOf(model: string): Price {
    const price = this.#prices.of(model);
    if (price) return price;
    throw new ErrandError('forbidden', `The model '${model}' has no price on this server, so no task may use it.`);
  }

  /**
   * Reserves the worst case of a request. Throws `BudgetSpent` where the task's budget does not afford it;
   * `rate_limited` where it may once the task's other requests have ended, and `unavailable` while the database cannot be written.
   */
  reserve(task_id: string, request: LlmRequest & { max_tokens: number }): Reservation {
    const price = this.priceOf(request.model);
    this.#write();
    const budget = findBudget(this.#log.db, task_id);
    if (!budget) throw new ErrandError('not_found', 'There is no such task.');
    const wanted = request.max_tokens;
    const prompt = { ...NONE, [request.hour_cache ? 'cache_write_1h' : 'cache_write_5m']: request.input_tokens };
    const prompt_usd = costOf(price, prompt);
    const output_usd = (costOf(price, { ...prompt, output: 1e6 }) - prompt_usd) / 1e6;
    const left_usd = budget.budget_usd - budget.cost_usd;
    const affords = (usd: number) => (usd <= prompt_usd ? 0 : Math.floor((usd - prompt_usd) / output_usd));
    const free_usd = left_usd - this.#reservedFor(task_id);
    const max_tokens = price.output === 0 ? wanted : Math.min(wanted, affords(free_usd));
    if (price.output > 0 && (max_tokens < Math.min(wanted, OUTPUT_TOKENS_MIN) || prompt_usd > free_usd)) {
      if (affords(left_usd) >= Math.max(1, Math.min(wanted, OUTPUT_TOKENS_MIN)))
        throw new ErrandError('rate_limited', "The task's other requests hold the rest of its budget.", {
          retry_after_s: 2,
        });
      throw new BudgetSpent(
        `The task's budget of ${dollars(budget.budget_usd)} is spent: ${dollars(budget.cost_usd)} so far, and the prompt of this request alone ` +
          `may cost ${dollars(prompt_usd)}.`,
        left_usd,
      );
    }
    const reservation = { task_id, usd: prompt_usd + max_tokens * output_usd, max_tokens, left_usd };
    this.#reserved.add(reservation);
    return reservation;
  }

  /**
   * Ends a reservation and books what the request came to, with an event that tells of it. Gives what was booked. `asked` is the model of the
   * request. Never throws: what could not be written is kept, and `reserve` tries again before anything else goes out.
   */
  settle(caller: Caller, reservation: Reservation, asked: string, metered: Metered | undefined): Usage | undefined {
    this.#reserved.delete(reservation);
    if (!metered) return undefined;
    // The answer names the model that worked; one without a price is an alias of the one that was asked for.
    const model = this.#prices.has(metered.model) ? metered.model : asked;
    const usage = toUsage(metered.parts, this.priceOf(model));
    this.#unwritten.push({ caller, model, usage });
    try {
      this.#write();
    } catch (error) {
      this.#logger.error({ err: error, task_id: caller.task_id, usage }, 'What a task spent could not be written.');
    }
    return usage;
  }

  #reservedFor(task_id: string): number {
    let usd = 0;
    for (const reservation of this.#reserved) if (reservation.task_id === task_id) usd += reservation.usd;
    return usd;
  }

  #write(): void {
    const entries = this.#unwritten;
    if (entries.length === 0) return;
    try {
      this.#log.write((tx) => {
        const at = new Date().toISOString();
        for (const { caller, model, usage } of entries) {
          const total = addUsage(tx.db, caller.task_id, usage, at);
          const { task_id: id, user_id, attempt } = caller;
          if (total) tx.note({ id, user_id, attempt }, { type: 'usage.updated', body: { model, usage: total } }, at);
        }
      });
    } catch (error) {
      throw new ErrandError('unavailable', 'What this task spends cannot be written down just now.', {
        cause: error,
        retry_after_s: 5,
      });
    }
    this.#unwritten = [];
  }
}

function toUsage(parts: Tokens[], price: Price): Usage {
  const sum = (pick: (tokens: Tokens) => number) => parts.reduce((total, part) => total + pick(part), 0);
  return {
    requests: 1,
    input_tokens: sum((part) => part.input),
    cache_write_tokens: sum((part) => part.cache_write_5m + part.cache_write_1h),
    cache_read_tokens: sum((part) => part.cache_read),
    output_tokens: sum((part) => part.output),
    cost_usd: sum((part) => costOf(price, part)),
  };
}

function dollars(usd: number): string {
  return `$${usd.toFixed(usd < 0.1 ? 4 : 2)}`;
}
