import { ErrandError } from '../../../protocol/problem.ts';
import type { Usage } from '../../../protocol/task.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import type { Logger } from '../../base/logger.ts';
import { costOf, type Price, type Prices, type Tokens } from '../../domain/prices.ts';
import {
  deleteOpenRequest,
  insertOpenRequest,
  listOpenRequests,
  sumOpenRequests,
  updateOpenPrompt,
  type OpenPrompt,
  type OpenRequest,
} from '../../sqlite/open-requests.ts';
import { addUsage, findBudget } from '../../sqlite/usage.ts';
import type { Caller } from '../caller.ts';
import { BudgetSpent } from './error.ts';
import { TOKENS_PER_SECOND, type Metered } from './meter.ts';
import type { LlmRequest } from './policy.ts';

/** A request that was let through: its row holds what it may cost at most, until it is known what it did cost. */
export type Opened = {
  id: number;
  caller: Booked;
  /** The model of the request. */
  model: string;
  /** As many as were asked for, or as the budget affords. */
  max_tokens: number;
  /** What of the budget was unspent before this request. */
  left_usd: number;
};

/** Whose attempt pays. */
type Booked = Pick<Caller, 'task_id' | 'user_id' | 'attempt'>;
/** A request that has ended. Without a `usage` it cost nothing. */
type Entry = { id: number; caller: Booked; model: string; usage: Usage | undefined };

/** An answer shorter than this is of no use: a budget that affords less is spent. */
const OUTPUT_TOKENS_MIN = 1024;
const NONE: Tokens = { input: 0, cache_write_5m: 0, cache_write_1h: 0, cache_read: 0, output: 0 };

/**
 * What tasks spend. A request is let through once its worst case fits into what its task has left, and what requests under way may cost counts
 * as spent: so no task goes over its budget. Both are in the database: a request is written down before it goes out, and its row goes in the
 * transaction that books it, so that each is booked once, whenever this process dies. What cannot be written keeps every further request from going out.
 */
export class Ledger {
  readonly #log: EventLog;
  readonly #prices: Prices;
  readonly #logger: Logger;
  #unwritten: Entry[];

  /** Books what an earlier process was carrying when it died. */
  constructor(log: EventLog, prices: Prices, logger: Logger) {
    this.#log = log;
    this.#logger = logger;
    this.#prices = prices;
    const now_ms = Date.now();
    this.#unwritten = listOpenRequests(log.db).map((request) => leftBehind(request, now_ms));
    for (const { caller, usage } of this.#unwritten)
      logger.warn({ ...caller, usage }, 'A model request was under way when the server died; its cost is estimated.');
    this.#tryToWrite();
  }

  /** The price of a model; throws `forbidden` where it has none. */
  priceOf(model: string): Price {
    const price = this.#prices.of(model);
    if (price) return price;
    throw new ErrandError('forbidden', `The model '${model}' has no price on this server, so no task may use it.`);
  }

  /**
   * Lets a request through, once it is written down what it may cost at most. Rejects with `BudgetSpent` where the task's budget does not afford
   * it; `rate_limited` where it may once the task's other requests have ended, and `unavailable` while the database cannot be written.
   */
  async open(caller: Booked, request: LlmRequest & { max_tokens: number }): Promise<Opened> {
    const { model } = request;
    const price = this.priceOf(model);
    this.#write();
    const { task_id, user_id, attempt } = caller;
    const opened = this.#log.enqueue((tx) => {
      const budget = findBudget(tx.db, task_id);
      if (!budget) throw new ErrandError('not_found', 'There is no such task.');
      const granted = grant(request, price, budget, sumOpenRequests(tx.db, task_id));
      const { prompt, max_tokens, output_usd, left_usd } = granted;
      const row = { task_id, attempt, model, ...prompt, max_tokens, output_usd, at: new Date().toISOString() };
      return { id: insertOpenRequest(tx.db, row), caller: { task_id, user_id, attempt }, model, max_tokens, left_usd };
    });
    return opened.catch((error: unknown) => {
      throw error instanceof ErrandError ? error : notWritten(error);
    });
  }

  /** The answer begins, and says what the prompt was: that counts from now on, and no longer the worst case. Nobody waits for it to be on disk. */
  begun({ id, caller, model: asked }: Opened, model: string, tokens: Tokens): void {
    const priced = this.#pricedName(model, asked);
    const prompt = openPrompt({ ...tokens, output: 0 }, this.priceOf(priced));
    this.#log
      .enqueue((tx) => updateOpenPrompt(tx.db, id, { ...prompt, model: priced, at: new Date().toISOString() }))
      .catch((error: unknown) => this.#logger.debug({ err: error, ...caller }, 'a prompt could not be written down'));
  }

  /**
   * Ends a request and books what it came to, with an event that tells of it; nothing where it is undefined. Gives what was booked. Never throws: what
   * could not be written is kept, and `open` tries again before anything else goes out.
   */
  settle({ id, caller, model: asked }: Opened, metered: Metered | undefined): Usage | undefined {
    const model = metered ? this.#pricedName(metered.model, asked) : asked;
    const usage = metered && toUsage(metered.parts, this.priceOf(model));
    this.#unwritten.push({ id, caller, model, usage });
    this.#tryToWrite();
    return usage;
  }

  /** The answer names the model that worked; one without a price is an alias of the one that was asked for. */
  #pricedName(model: string, asked: string): string {
    return this.#prices.has(model) ? model : asked;
  }

  #tryToWrite(): void {
    try {
      this.#write();
    } catch (error) {
      this.#logger.error({ err: error, unwritten: this.#unwritten }, 'What tasks spent could not be written.');
    }
  }

  #write(): void {
    const entries = this.#unwritten;
    if (entries.length === 0) return;
    try {
      this.#log.write((tx) => {
        const at = new Date().toISOString();
        for (const { id, caller, model, usage } of entries) {
          deleteOpenRequest(tx.db, id);
          const { task_id, user_id, attempt } = caller;
          const total = usage && addUsage(tx.db, task_id, usage, at);
          const task = { id: task_id, user_id, attempt };
          if (total) tx.note(task, { type: 'usage.updated', body: { model, usage: total } }, at);
        }
      });
    } catch (error) {
      throw notWritten(error);
    }
    this.#unwritten = [];
  }
}

function notWritten(cause: unknown): ErrandError {
  const words = 'What this task spends cannot be written down just now.';
  return new ErrandError('unavailable', words, { cause, retry_after_s: 5 });
}

type Granted = { prompt: OpenPrompt; max_tokens: number; output_usd: number; left_usd: number };

/** What a request gets of its task's budget, of which `open_usd` are held by others. Throws where that is not enough. */
function grant(
  request: LlmRequest & { max_tokens: number },
  price: Price,
  budget: { budget_usd: number; cost_usd: number },
  open_usd: number,
): Granted {
  const wanted = request.max_tokens;
  const tokens = { ...NONE, [request.hour_cache ? 'cache_write_1h' : 'cache_write_5m']: request.input_tokens };
  const prompt = openPrompt(tokens, price);
  const { prompt_usd } = prompt;
  const token_usd = (costOf(price, { ...tokens, output: 1e6 }) - prompt_usd) / 1e6;
  const left_usd = budget.budget_usd - budget.cost_usd;
  const affords = (usd: number) => (usd <= prompt_usd ? 0 : Math.floor((usd - prompt_usd) / token_usd));
  const free_usd = left_usd - open_usd;
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
  return { prompt, max_tokens, output_usd: max_tokens * token_usd, left_usd };
}

/**
 * What a request that nobody saw the end of is booked at. The prompt is charged for in any case. Of the answer nobody knows how much was written
 * before the connection went with the process: as much as can have been since it began, and never more than `max_tokens`. The prompt alone would be too
 * little, and a task whose server dies often would spend more than its budget; `max_tokens` alone is mostly many times too much, and such a task would end
 * for want of money that nobody spent.
 */
function leftBehind(request: OpenRequest & { user_id: string }, now_ms: number): Entry {
  const { id, task_id, user_id, attempt, model, max_tokens } = request;
  const seconds = Math.max(0, now_ms - Date.parse(request.at)) / 1000;
  const output_tokens = Math.min(max_tokens, Math.ceil(seconds * TOKENS_PER_SECOND));
  const output_usd = max_tokens === 0 ? 0 : (request.output_usd * output_tokens) / max_tokens;
  const { input_tokens, cache_write_tokens, cache_read_tokens, prompt_usd } = request;
  const tokens = { input_tokens, cache_write_tokens, cache_read_tokens, output_tokens };
  const usage = { requests: 1, ...tokens, cost_usd: prompt_usd + output_usd };
  return { id, caller: { task_id, user_id, attempt }, model, usage };
}

function openPrompt(tokens: Tokens, price: Price): OpenPrompt {
  const { input_tokens, cache_write_tokens, cache_read_tokens, cost_usd: prompt_usd } = toUsage([tokens], price);
  return { input_tokens, cache_write_tokens, cache_read_tokens, prompt_usd };
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
