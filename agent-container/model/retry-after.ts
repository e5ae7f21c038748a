/** The API's own limits, such as `input-tokens`, each have this header and one that ends with `-remaining`. */
const RESET = /^(anthropic-ratelimit-.{1,100})-reset$/;
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
  const limits = [...headers.keys()].flatMap((name) => RESET.exec(name)?.[1] ?? []);
  const used_up = limits.filter((limit) => numberOf(headers.get(`${limit}-remaining`)) === 0);
  const resets = used_up.flatMap((limit) => untilDate(headers.get(`${limit}-reset`), now) ?? []);
  return resets.length === 0 ? null : Math.max(...resets);
}

const numberOf = (value: string | null): number | null => (value !== null && NUMBER.test(value) ? Number(value) : null);

function untilDate(value: string | null, now: number): number | null {
  // A bare or negative number is no date, though `Date.parse` takes it for a year.
  const date = value === null || /^\s*[-+]?\d+\s*$/.test(value) ? Number.NaN : Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
