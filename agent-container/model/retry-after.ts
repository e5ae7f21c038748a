/** The API's own limits, each with the headers `anthropic-ratelimit-<limit>-remaining` and `-reset`. */
const LIMITS = ['requests', 'tokens', 'input-tokens', 'output-tokens'];
const NUMBER = /^\s*\d{1,15}(\.\d*)?\s*$/;

/**
 * How long the API asks to wait before another request, in milliseconds; null if it does not say. It may be a number,
 * a date, or the reset of a limit that is used up. A time in the past is 0.
 */
export function retryAfterMs(headers: Headers | undefined, now = Date.now()): number | null {
  if (!headers) return null;
  const ms = numberOf(headers.get('retry-after-ms'));
  if (ms !== null) return ms;
  const seconds = numberOf(headers.get('retry-after'));
  if (seconds !== null) return seconds * 1000;
  const date = untilDate(headers.get('retry-after'), now);
  if (date !== null) return date;
  const used_up = LIMITS.filter((name) => numberOf(headers.get(`anthropic-ratelimit-${name}-remaining`)) === 0);
  const resets = used_up.flatMap((name) => untilDate(headers.get(`anthropic-ratelimit-${name}-reset`), now) ?? []);
  return resets.length === 0 ? null : Math.max(...resets);
}

const numberOf = (value: string | null): number | null => (value !== null && NUMBER.test(value) ? Number(value) : null);

function untilDate(value: string | null, now: number): number | null {
  // A bare or negative number is no date, though `Date.parse` takes it for a year.
  const date = value === null || /^\s*[-+]?\d+\s*$/.test(value) ? Number.NaN : Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
