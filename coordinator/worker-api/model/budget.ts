import { ErrandError } from '../../../protocol/problem.ts';
import { costOf, type Price } from '../../domain/prices.ts';
import type { OpenPrompt } from '../../sqlite/open-requests.ts';
import { BudgetSpent } from './error.ts';
import type { LlmRequest } from './policy.ts';
import { NO_TOKENS, toOpenPrompt } from './usage.ts';

/** An answer shorter than this is useless: a budget that cannot pay for so many output tokens counts as spent. */
const OUTPUT_TOKENS_MIN = 1024;

/**
 * The most that one request may cost, in US dollars, and the output tokens that this allows. `left_usd`: the unspent
 * budget before it.
 */
export type BudgetShare = { prompt: OpenPrompt; max_tokens: number; output_usd: number; left_usd: number };

/**
 * Decides how much of the task's budget a request may use. `reserved_usd` is reserved for the task's other requests
 * in progress. Throws `BudgetSpent` where the budget cannot pay for the request, and `rate_limited` where it could
 * once the other requests have ended.
 */
export function shareOfBudget(
  request: LlmRequest & { max_tokens: number },
  price: Price,
  budget: { budget_usd: number; cost_usd: number },
  reserved_usd: number,
): BudgetShare {
  const wanted = request.max_tokens;
  const tokens = { ...NO_TOKENS, [request.hour_cache ? 'cache_write_1h' : 'cache_write_5m']: request.input_tokens };
  const prompt = toOpenPrompt(tokens, price);
  const { prompt_usd } = prompt;
  const token_usd = (costOf(price, { ...tokens, output: 1e6 }) - prompt_usd) / 1e6;
  const left_usd = budget.budget_usd - budget.cost_usd;
  const free_usd = left_usd - reserved_usd;
  /** How many output tokens a sum pays for besides the prompt. */
  const tokensFor = (usd: number) => (usd <= prompt_usd ? 0 : Math.floor((usd - prompt_usd) / token_usd));
  const max_tokens = price.output === 0 ? wanted : Math.min(wanted, tokensFor(free_usd));
  if (price.output > 0 && (max_tokens < Math.min(wanted, OUTPUT_TOKENS_MIN) || prompt_usd > free_usd)) {
    if (tokensFor(left_usd) >= Math.max(1, Math.min(wanted, OUTPUT_TOKENS_MIN)))
      throw new ErrandError('rate_limited', "The rest of the task's budget is reserved for its other requests.", {
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

function dollars(usd: number): string {
  return `$${usd.toFixed(usd < 0.1 ? 4 : 2)}`;
}
