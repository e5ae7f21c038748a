import { z } from 'zod';
import type { Tokens } from '../../domain/prices.ts';

const count = z.number().int().nonnegative().nullish();
const Counts = z.looseObject({
  input_tokens: count,
  output_tokens: count,
  cache_creation_input_tokens: count,
  cache_read_input_tokens: count,
  cache_creation: z.looseObject({ ephemeral_5m_input_tokens: count, ephemeral_1h_input_tokens: count }).nullish(),
});
type Counts = z.infer<typeof Counts>;

/** The usage in an answer. `iterations`: the API's separate work, such as the summary of a long conversation. */
export const UsageReport = Counts.extend({
  iterations: z
    .array(Counts.extend({ type: z.string() }))
    .max(100)
    .nullish(),
});
export type UsageReport = z.infer<typeof UsageReport>;

/** A later report of the same answer: its numbers are totals. One that is missing or smaller changes nothing. */
export function merge(before: UsageReport, next: UsageReport): UsageReport {
  const larger = (a: number | null | undefined, b: number | null | undefined) => Math.max(a ?? 0, b ?? 0);
  return {
    input_tokens: larger(before.input_tokens, next.input_tokens),
    output_tokens: larger(before.output_tokens, next.output_tokens),
    cache_creation_input_tokens: larger(before.cache_creation_input_tokens, next.cache_creation_input_tokens),
    cache_read_input_tokens: larger(before.cache_read_input_tokens, next.cache_read_input_tokens),
    cache_creation: next.cache_creation ?? before.cache_creation,
    iterations: next.iterations ?? before.iterations,
  };
}

/**
 * The tokens of an answer, in parts that are priced separately. `hour_cache`: writes whose lifetime the API does not
 * say may be those of the one-hour cache.
 */
export function toParts(usage: UsageReport, hour_cache: boolean): Tokens[] {
  const extra = (usage.iterations ?? []).filter(({ type }) => type !== 'message');
  return [usage, ...extra].map((counts) => toTokens(counts, hour_cache));
}

function toTokens(usage: Counts, hour_cache: boolean): Tokens {
  const written = usage.cache_creation_input_tokens ?? 0;
  const five_minutes = usage.cache_creation?.ephemeral_5m_input_tokens ?? 0;
  const one_hour = usage.cache_creation?.ephemeral_1h_input_tokens ?? 0;
  const rest = Math.max(0, written - five_minutes - one_hour);
  return {
    input: usage.input_tokens ?? 0,
    cache_write_5m: five_minutes + (hour_cache ? 0 : rest),
    cache_write_1h: one_hour + (hour_cache ? rest : 0),
    cache_read: usage.cache_read_input_tokens ?? 0,
    output: usage.output_tokens ?? 0,
  };
}
