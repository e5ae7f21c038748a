import type { Usage } from '../../../protocol/task.ts';
import type { OpenPrompt } from '../../sqlite/open-requests.ts';

/** The most that a request in progress may cost: its prompt, and an answer of `max_tokens`. */
export type Reserved = { prompt: OpenPrompt; max_tokens: number; output_usd: number };

/** The usage of a request whose answer was not seen to its end: the reserved prompt, and the given output tokens. */
export function estimateUsage({ prompt, max_tokens, output_usd }: Reserved, output_tokens: number): Usage {
  const { prompt_usd, ...tokens } = prompt;
  const share_usd = max_tokens === 0 ? 0 : (output_usd * output_tokens) / max_tokens;
  return { requests: 1, ...tokens, output_tokens, cost_usd: prompt_usd + share_usd };
}
