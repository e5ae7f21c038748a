import type { Usage } from '../../../protocol/task.ts';
import { costOf, type Price, type Tokens } from '../../domain/prices.ts';
import type { OpenPrompt } from '../../sqlite/open-requests.ts';

/** The tokens of a prompt with its cache writes and reads. */
export function promptTokens({ input, cache_write_5m, cache_write_1h, cache_read }: Tokens): number {
  return input + cache_write_5m + cache_write_1h + cache_read;
}

/** The usage and cost of one model request. `parts`: its tokens, in parts that are priced separately. */
export function toUsage(parts: Tokens[], price: Price): Usage {
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

/** The prompt part of a request: its tokens and their price in US dollars. Output tokens are ignored. */
export function toOpenPrompt(tokens: Tokens, price: Price): OpenPrompt {
  const usage = toUsage([{ ...tokens, output: 0 }], price);
  const { input_tokens, cache_write_tokens, cache_read_tokens, cost_usd: prompt_usd } = usage;
  return { input_tokens, cache_write_tokens, cache_read_tokens, prompt_usd };
}
