import { ErrandError } from '../../../protocol/problem.ts';
import type { Effort } from '../../../protocol/task.ts';
import { ratesUpTo, type Price } from '../../domain/prices.ts';
import type { OpenPrompt } from '../../sqlite/open-requests.ts';
import type { Reserved } from './charge.ts';
import { BudgetSpent } from './error.ts';
import type { InputEstimate } from './estimate-input.ts';

/** An answer shorter than this is useless: a budget that cannot pay for so many output tokens counts as spent. */
const OUTPUT_TOKENS_MIN = 1024;

/** What a request asks for, and the most that its prompt may cost. `effort`: null if it names none. */
export type Ask = { model: string; effort?: Effort | null; max_tokens: number; input: InputEstimate };
/** The budget of a task, and what it has spent, in US dollars. */
type Budget = { budget_usd: number; cost_usd: number };

/** The most that a prompt may cost, and that each output token may cost, in US dollars. */
type WorstCase = { prompt: OpenPrompt; token_usd: number };

/**
 * The worst case: nothing is in the cache any more, and the whole prompt is written to it again. A compaction reads
 * the prompt and writes a summary, and the answer's own prompt is at most the old one with that summary.
 */
export function worstCase({ max_tokens, input }: Ask, price: Price): WorstCase {
  const { tokens_max, cache, compacts } = input;
  const passes = compacts ? 2 : 1;
  const rates = ratesUpTo(price, compacts ? tokens_max + max_tokens : tokens_max);
  const written = cache === '1h' ? Math.max(rates.cache_write_5m, rates.cache_write_1h) : rates.cache_write_5m;
  const is_written = cache !== 'none' && written > rates.input;
  const rate = is_written ? written : rates.input;
  const tokens = passes * tokens_max;
  return {
    prompt: {
      input_tokens: is_written ? 0 : tokens,
      cache_write_tokens: is_written ? tokens : 0,
      cache_read_tokens: 0,
      prompt_usd: (tokens * rate) / 1e6,
    },
    token_usd: (passes * rates.output + (compacts ? rate : 0)) / 1e6,
  };
}

/**
 * Decides how much of the task's budget a request may use. `reserved_usd` is reserved for the task's other requests
 * in progress. Throws `BudgetSpent` where the budget cannot pay for the request, and `rate_limited` where it could
 * once the other requests have ended.
 */
export function shareOfBudget(ask: Ask, price: Price, budget: Budget, reserved_usd: number): Reserved {
  const { prompt, token_usd } = worstCase(ask, price);
  const wanted = ask.max_tokens;
  const wanted_min = Math.min(wanted, OUTPUT_TOKENS_MIN);
  const left_usd = budget.budget_usd - budget.cost_usd;
  /** How many output tokens a sum pays for besides the prompt; negative where it does not pay for the prompt. */
  const tokensFor = (usd: number) => {
    const rest_usd = usd - prompt.prompt_usd;
    if (token_usd === 0) return rest_usd < 0 ? -1 : wanted;
    return Math.floor(rest_usd / token_usd);
  };
  const max_tokens = Math.min(wanted, tokensFor(left_usd - reserved_usd));
  if (max_tokens < wanted_min) {
    if (tokensFor(left_usd) >= wanted_min)
      throw new ErrandError('rate_limited', "The rest of the task's budget is reserved for its other requests.", {
        retry_after_s: 2,
      });
    throw new BudgetSpent(spentWords(ask, prompt.prompt_usd + wanted_min * token_usd, budget), left_usd);
  }
  return { prompt, max_tokens, output_usd: max_tokens * token_usd };
}

function spentWords({ input }: Ask, usd_min: number, { budget_usd, cost_usd }: Budget): string {
  const tokens = input.tokens_max.toLocaleString('en-US');
  return (
    `The task's budget of ${dollars(budget_usd)} is spent: ${dollars(cost_usd)} so far, and its next request may cost ` +
    `${dollars(usd_min)}, for a prompt of at most ${tokens} tokens${input.compacts ? ', read twice to summarise it,' : ''} ` +
    'and a short answer.'
  );
}

function dollars(usd: number): string {
  return `$${usd.toFixed(usd < 0.1 ? 4 : 2)}`;
}
