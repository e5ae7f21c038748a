import type { Usage } from '../../../protocol/task.ts';
import type { OpenRequest } from '../../sqlite/open-requests.ts';
import { TOKENS_PER_SECOND } from './meter.ts';

/**
 * Estimates the usage of a request that was in progress when an earlier server process died. The API charges for the
 * prompt in any case. How much of the answer was written is not known: at most what the model could write since the
 * request began, and never more than `max_tokens`. To charge for the prompt alone would let a task whose server dies
 * often exceed its budget. To charge for all of `max_tokens` would usually be far too much, and the task would run
 * out of budget that nobody spent.
 */
export function estimateInterrupted(request: OpenRequest, now_ms: number): Usage {
  const { max_tokens, input_tokens, cache_write_tokens, cache_read_tokens, prompt_usd } = request;
  const seconds = Math.max(0, now_ms - Date.parse(request.at)) / 1000;
  const output_tokens = Math.min(max_tokens, Math.ceil(seconds * TOKENS_PER_SECOND));
  const output_usd = max_tokens === 0 ? 0 : (request.output_usd * output_tokens) / max_tokens;
  const tokens = { input_tokens, cache_write_tokens, cache_read_tokens, output_tokens };
  return { requests: 1, ...tokens, cost_usd: prompt_usd + output_usd };
}
