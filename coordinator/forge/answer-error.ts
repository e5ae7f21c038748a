import { z } from 'zod';
import { cleanText } from './forge-text.ts';
import { ForgeApiError } from './forge-api-error.ts';
import type { ForgeAnswer } from './forge-http.ts';

const REASON_CHARS_MAX = 300;
const ERRORS_MAX = 5;
/** A refusal that says, in words alone, that the caller is limited. */
export const NAMES_LIMIT = /rate limit/i;
/** How long to wait for a forge that limits its callers and does not say for how long. */
const LIMITED_MS = 60_000;
/** No forge limits for longer: what says so is wrong. */
const LIMITED_MS_MAX = 24 * 3_600_000;
/** A maintenance page may name whole days: a forge that is away is asked again by then all the same. */
const AWAY_MS_MAX = 3_600_000;

/** The error of an answer that is none of success. `token` never shows in it. */
export function answerError(host: string, answer: ForgeAnswer, token: string): ForgeApiError {
  const reason = reasonOf(answer, token);
  const message = `${host} answered ${answer.status}${reason === '' ? '.' : `: ${reason}`}`;
  const retry_at = retryAt(answer, reason);
  if (retry_at === undefined) return new ForgeApiError(faultOf(answer.status), message);
  return new ForgeApiError(answer.status === 503 ? 'unreachable' : 'rate_limited', message, { retry_at });
}

function faultOf(status: number) {
  switch (status) {
    case 401:
      return 'unauthorized';
    case 403:
      return 'forbidden';
    case 404:
    case 410:
    case 451:
      return 'not_found';
    case 400:
    case 405:
    case 409:
    case 422:
    case 423:
      return 'invalid';
    default:
      return 'unreachable';
  }
}

/**
 * When a caller may come again that is limited, or whom a forge under maintenance puts off; undefined: it is neither.
 */
function retryAt({ status, headers }: ForgeAnswer, reason: string): Date | undefined {
  if (status !== 403 && status !== 429 && status !== 503) return undefined;
  const said = saidRetryAt(headers, status === 503 ? AWAY_MS_MAX : LIMITED_MS_MAX);
  const is_limited = status === 429 || (status === 403 && NAMES_LIMIT.test(reason));
  return said ?? (is_limited ? new Date(Date.now() + LIMITED_MS) : undefined);
}

/** When a caller may come again whom a forge has said, in the body of an answer, to limit. */
export function limitEnd(headers: ForgeAnswer['headers']): Date {
  return saidRetryAt(headers, LIMITED_MS_MAX) ?? new Date(Date.now() + LIMITED_MS);
}

/** When a caller may come again, as the headers say, in `ms_max` at most; undefined: they do not. */
function saidRetryAt(headers: ForgeAnswer['headers'], ms_max: number): Date | undefined {
  const now = Date.now();
  const latest = now + ms_max;
  const after = headers['retry-after'] ?? '';
  // The header is a number of seconds or a date.
  const after_ms = /^\d+$/.test(after) ? Number(after) * 1000 : Date.parse(after) - now;
  if (after_ms >= 0) return new Date(Math.min(now + after_ms, latest));
  const reset_s = Number(headers['x-ratelimit-reset'] ?? NaN);
  if (headers['x-ratelimit-remaining'] === '0' && reset_s >= 0) return new Date(Math.min(reset_s * 1000, latest));
  return undefined;
}

/** What the forge says in its answer, in one line: its message, and those of its errors. */
function reasonOf({ body }: ForgeAnswer, token: string): string {
  // A message is small: what is large is a page for people.
  if (body.length > 64 * 1024) return '';
  const { message, errors } = readRefusal(body);
  const words = [message, ...errors].filter((word) => word !== '').join('; ');
  const safe = token === '' ? words : words.replaceAll(token, '***');
  return cleanText(safe, REASON_CHARS_MAX).replaceAll(/\s+/g, ' ').trim();
}

/**
 * An error of a refusal: a text, or an object with one, or the name of a field and what it is. Anything else: empty.
 */
const Detail = z
  .union([
    z.string(),
    z.object({ message: z.string() }).transform(({ message }) => message),
    z.object({ field: z.string(), code: z.string() }).transform(({ field, code }) => `${field} is ${code}`),
  ])
  .catch('');
const Refusal = z.object({
  message: z.string().catch(''),
  errors: z
    .array(z.unknown())
    .catch([])
    .transform((errors) => errors.slice(0, ERRORS_MAX).map((error) => Detail.parse(error))),
});

function readRefusal(body: Buffer): z.infer<typeof Refusal> {
  try {
    return Refusal.parse(JSON.parse(body.toString('utf8')));
  } catch {
    return { message: '', errors: [] };
  }
}
