import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { z } from 'zod';
import type { InputEstimate } from './estimate-input.ts';
import type { ClaudeApi } from './upstream.ts';

export const COUNT_TOKENS = '/v1/messages/count_tokens';

/** The fields that the API counts. It refuses the others here. */
export const FIELDS: ReadonlySet<string> = new Set(
  `model messages system tools tool_choice thinking output_config cache_control context_management compaction output_format`.split(
    ' ',
  ),
);
const tokens = z.number().int().nonnegative();
const Counted = z.looseObject({
  input_tokens: tokens,
  /** `input_tokens` are those that are left after old results were cleared. */
  context_management: z.looseObject({ original_input_tokens: tokens.nullish() }).nullish(),
});

/**
 * `counted`: the API has counted the prompt. `refused`: it refuses the request, with this answer. `unsupported`: this
 * API does not count. `unavailable`: it does not count at the moment.
 */
export type CountOutcome =
  | { kind: 'counted'; input: InputEstimate }
  | { kind: 'refused'; answer: Dispatcher.ResponseData }
  | { kind: 'unsupported' | 'unavailable' };

/** A request whose tokens are to be counted. `body`: of the request to count. `bound`: what its body alone tells. */
type Uncounted = { body: Buffer; bound: InputEstimate; compacts_from: number };

/** Asks the API how many tokens a request has, which is free. */
export async function countTokens(
  api: ClaudeApi,
  uncounted: Uncounted,
  headers: IncomingHttpHeaders,
  signal: AbortSignal,
): Promise<CountOutcome> {
  try {
    const answer = await api.post(COUNT_TOKENS, uncounted.body, headers, signal);
    if (answer.statusCode === 400 || answer.statusCode === 413) return { kind: 'refused', answer };
    if (answer.statusCode !== 200) {
      await answer.body.dump();
      return { kind: [404, 405, 501].includes(answer.statusCode) ? 'unsupported' : 'unavailable' };
    }
    const result = Counted.safeParse(await answer.body.json());
    return result.success ? { kind: 'counted', input: toEstimate(result.data, uncounted) } : { kind: 'unsupported' };
  } catch {
    signal.throwIfAborted();
    return { kind: 'unavailable' };
  }
}

function toEstimate(counted: z.infer<typeof Counted>, { bound, compacts_from }: Uncounted): InputEstimate {
  const uncleared = Math.max(counted.input_tokens, counted.context_management?.original_input_tokens ?? 0);
  const compacts = withMargin(uncleared) >= compacts_from;
  // Whether old results are cleared before a summary is written is not documented.
  const tokens_max = Math.min(bound.tokens_max, withMargin(compacts ? uncleared : counted.input_tokens));
  return { ...bound, tokens_max, compacts };
}

/** The API calls its count an estimate that may differ by a small amount. */
function withMargin(count: number): number {
  return Math.ceil(count * 1.01) + 100;
}
