import { isDeepStrictEqual } from 'node:util';
import { ErrandError } from '../../../protocol/problem.ts';
import type { Usage } from '../../../protocol/task.ts';
import type { Db } from '../../sqlite/database.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import type { Logger } from '../../base/logger.ts';
import { higherPrice, type Price, type Prices, type Tokens } from '../../domain/prices.ts';
import {
  deleteOpenRequest,
  insertOpenRequest,
  listOpenRequests,
  sumOpenRequests,
  updateOpenPrompt,
  type OpenPrompt,
  type OpenRequest,
} from '../../sqlite/open-requests.ts';
import { addSpending } from '../../sqlite/spending.ts';
import { addDaySpending } from '../../sqlite/spending-days.ts';
import { addUsage, findBudget, updateUsed } from '../../sqlite/usage.ts';
import type { Caller } from '../caller.ts';
import { estimateUsage, type Reserved } from './charge.ts';
import { BudgetSpent } from './error.ts';
import type { Outcome } from './request-cost.ts';
import { shareOfBudget, worstCase, type Ask } from './reservation.ts';
import { capReached, capsLeft, dayOf, monthOf, type SpendingCaps } from '../../tasks/spending-caps.ts';
import { unseenOutput } from './unseen-output.ts';
import { promptTokens, toOpenPrompt, toUsage } from './usage.ts';

/** Budget that is reserved for one request in progress, in a database row, until its real cost is known. */
export type Reservation = Reserved & {
  id: number;
  payer: Payer;
  /** What was asked for, with `max_tokens` lowered to what the budget pays for. */
  ask: Ask;
  /** The unspent budget before this request, in US dollars. */
  left_usd: number;
  /** How much of it is reserved for this prompt, and for the task's other requests in progress. */
  reserved_usd: number;
  /** The prompt as the API counted it; undefined until its answer has begun. */
  begun: OpenPrompt | undefined;
};

type LedgerDependencies = { log: EventLog; prices: Prices; logger: Logger; caps: SpendingCaps; now?: () => number };
/** The attempt whose task pays. */
type Payer = Pick<Caller, 'task_id' | 'user_id' | 'attempt'>;
/** The cost of a request that has ended. Without `usage` it cost nothing. */
type Charge = { id: number; payer: Payer; model: string; effort?: Ask['effort']; usage: Usage | undefined };

/**
 * Keeps every task within its budget. It reserves the most that a request may cost before the request is sent, and
 * replaces the reservation by the real cost in one transaction, so that each request is charged exactly once even
 * where this process dies. While a charge cannot be stored, no further request is sent.
 */
export class Ledger {
  readonly #log: EventLog;
  readonly #prices: Prices;
  readonly #logger: Logger;
  readonly #caps: SpendingCaps;
  readonly #now: () => number;
  /**
   * The price of each model that the API has answered with a more expensive one. A request may not ask for that, but
   * what the API did once it may do again.
   */
  readonly #substituted = new Map<string, Price>();
  /** Charges that could not be stored yet. */
  #unstored: Charge[];

  /** Charges for the requests that were in progress when an earlier process died. */
  constructor({ log, prices, logger, caps, now = Date.now }: LedgerDependencies) {
    this.#log = log;
    this.#caps = caps;
    this.#now = now;
    this.#logger = logger;
    this.#prices = prices;
    this.#unstored = listOpenRequests(log.db).map((request) => {
      const { id, task_id, user_id, attempt, model } = request;
      return { id, payer: { task_id, user_id, attempt }, model, usage: estimateInterrupted(request) };
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

  /** The highest price that a request for a model may have. */
  #boundOf(model: string): Price {
    return this.#substituted.get(model) ?? this.priceOf(model);
  }

  /**
   * The most that the prompt of a request may cost, as a share of what the task's budget has left; 0 if that is
   * nothing.
   */
  shareOfRest({ task_id }: Payer, ask: Ask): number {
    const { prompt } = worstCase(ask, this.#boundOf(ask.model));
    const budget = findBudget(this.#log.db, task_id);
    const left_usd = budget ? budget.budget_usd - budget.cost_usd - sumOpenRequests(this.#log.db, task_id) : 0;
    return left_usd <= 0 ? 0 : prompt.prompt_usd / left_usd;
  }

  /**
   * Reserves the most that a request may cost, and resolves once the reservation is on disk. Rejects with `BudgetSpent`
   * where the task's budget cannot pay for the request, `SpendingCapReached` where a monthly cap cannot, `rate_limited`
   * where both could once other requests have ended, and `unavailable` while the database cannot be written.
   */
  async reserve(payer: Payer, ask: Ask): Promise<Reservation> {
    const { model } = ask;
    const price = this.#boundOf(model);
    this.#store();
    const { task_id, user_id, attempt } = payer;
    const reservation = this.#log.enqueue((tx): Reservation => {
      const budget = findBudget(tx.db, task_id);
      if (!budget) throw new ErrandError('not_found', 'There is no such task.');
      const others_usd = sumOpenRequests(tx.db, task_id);
      const share = shareOfBudget(ask, price, budget, others_usd);
      const reserved = this.#withinCaps(tx.db, user_id, ask, share, price);
      const { prompt, max_tokens, output_usd } = reserved;
      const row = { task_id, attempt, model, ...prompt, max_tokens, output_usd, at: new Date().toISOString() };
      return {
        ...reserved,
        id: insertOpenRequest(tx.db, row),
        payer: { task_id, user_id, attempt },
        ask: { ...ask, max_tokens },
        left_usd: budget.budget_usd - budget.cost_usd,
        reserved_usd: others_usd + prompt.prompt_usd,
        begun: undefined,
      };
    });
    return reservation.catch((error: unknown) => {
      throw error instanceof ErrandError ? error : cannotStore(error);
    });
  }

  /** The share that the monthly caps leave of it: with fewer output tokens, or none at all. */
  #withinCaps(db: Db, user_id: string, ask: Ask, share: Reserved, price: Price): Reserved {
    let reserved = share;
    const now = this.#now();
    for (const cap of capsLeft(db, this.#caps, user_id, now)) {
      const budget = { budget_usd: cap.cap_usd, cost_usd: cap.cost_usd };
      try {
        reserved = shareOfBudget({ ...ask, max_tokens: reserved.max_tokens }, price, budget, cap.open_usd);
      } catch (error) {
        throw error instanceof BudgetSpent ? capReached(cap, now) : error;
      }
    }
    return reserved;
  }

  /**
   * Replaces the reserved cost of the prompt by the real one, which the API reports when its answer begins. Does not
   * wait for the disk. A number that cannot be true, or that leaves out the cost of a compaction, changes nothing.
   */
  recordPrompt(reservation: Reservation, model: string, tokens: Tokens): void {
    const { id, payer, ask } = reservation;
    const count = promptTokens(tokens);
    if (ask.input.compacts || count === 0 || count > ask.input.tokens_max) return;
    const price = this.#dearerPrice(ask.model, model, (each) => toOpenPrompt(tokens, each).prompt_usd);
    const prompt = toOpenPrompt(tokens, price);
    reservation.begun = prompt;
    this.#log
      .enqueue((tx) => updateOpenPrompt(tx.db, id, { ...prompt, model: ask.model, at: new Date().toISOString() }))
      .catch((error: unknown) => this.#logger.debug({ err: error, ...payer }, 'prompt cost not stored'));
  }

  /**
   * Charges for a request that has ended, and releases its reservation. Returns what was charged; undefined: nothing.
   * Never throws: a charge that cannot be stored is kept, and `reserve` stores it before it lets another request
   * through.
   */
  settle(reservation: Reservation, outcome: Outcome): Usage | undefined {
    const { id, payer, ask } = reservation;
    const usage = this.#usageOf(reservation, outcome);
    const reserved_usd = reservation.prompt.prompt_usd + reservation.output_usd;
    if (usage && usage.cost_usd > reserved_usd + 1e-9)
      this.#logger.warn({ ...payer, usage, reserved_usd }, 'model request cost more than was reserved');
    const model = outcome.kind === 'metered' && this.#prices.has(outcome.model) ? outcome.model : ask.model;
    this.#unstored.push({ id, payer, model, effort: ask.effort, usage });
    this.#tryToStore();
    return usage;
  }

  #usageOf(reservation: Reservation, outcome: Outcome): Usage | undefined {
    switch (outcome.kind) {
      case 'nothing':
        return undefined;
      case 'metered': {
        const { model, parts } = outcome;
        return toUsage(
          parts,
          this.#dearerPrice(reservation.ask.model, model, (each) => toUsage(parts, each).cost_usd),
        );
      }
      case 'cut':
        return estimateUsage(
          { ...reservation, prompt: reservation.begun ?? reservation.prompt },
          outcome.output_tokens,
        );
      case 'unknown':
        return estimateUsage(reservation, reservation.max_tokens);
    }
  }

  /**
   * The price of the model that was asked for, or of the one that the answer names, whichever makes it cost more. A
   * name without a price is an alias of the model that was asked for.
   */
  #dearerPrice(asked: string, answered: string, costAt: (price: Price) => number): Price {
    const own = this.priceOf(asked);
    const other = this.#prices.of(answered);
    if (!other || costAt(other) <= costAt(own)) return own;
    this.#expect(asked, answered, other);
    return other;
  }

  /** From now on requests for a model are reserved at the price of the more expensive one that answers them. */
  #expect(asked: string, answered: string, price: Price): void {
    const before = this.#boundOf(asked);
    const bound = higherPrice(before, price);
    if (isDeepStrictEqual(bound, before)) return;
    this.#substituted.set(asked, bound);
    this.#logger.warn({ asked, answered }, 'the API answers with a more expensive model');
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
      this.#log.write(
        (tx) => {
          const at = new Date().toISOString();
          for (const { id, payer, model, effort, usage } of charges) {
            deleteOpenRequest(tx.db, id);
            const { task_id, user_id, attempt } = payer;
            const total = usage && addUsage(tx.db, task_id, usage, at);
            if (usage && usage.cost_usd > 0) {
              addSpending(tx.db, user_id, monthOf(this.#now()), usage.cost_usd);
              addDaySpending(tx.db, dayOf(this.#now()), usage.cost_usd);
            }
            const task = { id: task_id, user_id, attempt };
            if (!total) continue;
            updateUsed(tx.db, task_id, model, effort);
            const known = effort === undefined ? {} : { effort };
            tx.note(task, { type: 'usage.updated', body: { model, ...known, usage: total } }, at);
          }
        },
        { urgent: true },
      );
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

/** The usage of a request that was in progress when an earlier server process died. */
function estimateInterrupted(request: OpenRequest): Usage {
  const { input_tokens, cache_write_tokens, cache_read_tokens, prompt_usd, max_tokens, output_usd } = request;
  const prompt = { input_tokens, cache_write_tokens, cache_read_tokens, prompt_usd };
  const seconds = (Date.now() - Date.parse(request.at)) / 1000;
  return estimateUsage({ prompt, max_tokens, output_usd }, unseenOutput(seconds, 0, max_tokens));
}
