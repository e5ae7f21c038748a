import { cleanText } from './forge-text.ts';
import { ForgeApiError } from './forge-api-error.ts';
import type { ForgeAnswer } from './forge-http.ts';

const REASON_CHARS_MAX = 300;
/** How long to wait for a forge that limits its callers and does not say for how long. */
export const LIMITED_MS = 60_000;
/** No forge limits for longer: what says so is wrong. */
const WAIT_MS_MAX = 24 * 3_600_000;

/** The error of an answer that is none of success. `token` never shows in it. */
export function answerError(host: string, answer: ForgeAnswer, token: string): ForgeApiError {
  const reason = reasonOf(answer, token);
  const message = `${host} answered ${answer.status}${reason === '' ? '.' : `: ${reason}`}`;
  const retry_at = retryAt(answer, reason);
  if (retry_at !== undefined) return new ForgeApiError('rate_limited', message, { retry_at });
  return new ForgeApiError(faultOf(answer.status), message);
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

/** When a limited caller may come again; undefined: it is not limited. */
function retryAt({ status, headers }: ForgeAnswer, reason: string): Date | undefined {
  if (status !== 403 && status !== 429) return undefined;
  const now = Date.now();
  const after = headers['retry-after'] ?? '';
  // The header is a number of seconds or a date.
  const after_ms = /^\d+$/.test(after) ? Number(after) * 1000 : Date.parse(after) - now;
  if (after_ms >= 0) return new Date(now + Math.min(after_ms, WAIT_MS_MAX));
  const reset_s = Number(headers['x-ratelimit-reset'] ?? NaN);
  if (headers['x-ratelimit-remaining'] === '0' && reset_s >= 0)
    return new Date(Math.min(reset_s * 1000, now + WAIT_MS_MAX));
  return status === 429 || /rate limit/i.test(reason) ? new Date(now + LIMITED_MS) : undefined;
}

/** What the forge says in its answer, in one line: its message, and those of its errors. */
function reasonOf({ body }: ForgeAnswer, token: string): string {
  // A message is small: what is large is a page for people.
  if (body.length > 64 * 1024) return '';
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch {
    return '';
  }
  const { message, errors } = (parsed ?? {}) as { message?: unknown; errors?: unknown };
  const details = Array.isArray(errors) ? errors.slice(0, 5).map(detailOf) : [];
  const words = [message, ...details].filter((word) => typeof word === 'string' && word !== '').join('; ');
  const safe = token === '' ? words : words.replaceAll(token, '***');
  return cleanText(safe, REASON_CHARS_MAX).replaceAll(/\s+/g, ' ').trim();
}

function detailOf(error: unknown): string {
  if (typeof error === 'string') return error;
  const { message, field, code } = (error ?? {}) as Record<string, unknown>;
  if (typeof message === 'string') return message;
  return typeof field === 'string' && typeof code === 'string' ? `${field} is ${code}` : '';
}
