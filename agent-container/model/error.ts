import { APIConnectionError, APIConnectionTimeoutError, APIError, AnthropicError } from '@anthropic-ai/sdk';
import { errorCode } from '../base/error-code.ts';
import type { RefusedPlace } from './refused-parts.ts';
import { retryAfterMs } from './retry-after.ts';

/**
 * What a failed request means.
 *
 * - `transient`: another try may succeed.
 * - `disconnected`: there is no connection to the coordinator, through which all requests go.
 * - `context_overflow`: the conversation is too long.
 * - `thinking_refused`, `image_refused`: the API refuses a thinking block, or an image, of the conversation.
 * - `message_refused`: the API refuses a message of the conversation; `place` says which, if the API did.
 * - `budget_spent`: the task's budget is spent.
 * - `unavailable`: the server asks not to retry now.
 * - `rejected`: it would be refused every time.
 */
export type ModelErrorKind =
  | 'transient'
  | 'disconnected'
  | 'context_overflow'
  | 'thinking_refused'
  | 'image_refused'
  | 'message_refused'
  | 'budget_spent'
  | 'unavailable'
  | 'rejected';

export class ModelError extends Error {
  override readonly name = 'ModelError';
  readonly kind: ModelErrorKind;
  /** How long the API asks to wait before a retry; null if it does not say. */
  readonly retry_after_ms: number | null;
  /** What the API refuses, by its place in the request. */
  readonly place: RefusedPlace;

  constructor(kind: ModelErrorKind, message: string, retry_after_ms: number | null, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
    this.retry_after_ms = retry_after_ms;
    const [, named, block] = REFUSED_MESSAGE.exec(message) ?? [];
    this.place = { message: numberOrNull(named), block: numberOrNull(block) };
  }
}

/** How the API begins what is wrong with a message: `messages.7.content.0: …`, or `messages: …`. */
const REFUSED_MESSAGE = /\bmessages(?:\.(\d{1,6})(?:\.content\.(\d{1,6}))?)?[.:]/;

const numberOrNull = (digits: string | undefined): number | null => (digits === undefined ? null : Number(digits));

/** There was no connection to the coordinator, so the request was not sent: it restarts, or cannot be reached. */
const DISCONNECTED_CODES = new Set(
  'ECONNREFUSED ENOENT EHOSTDOWN EHOSTUNREACH ENETUNREACH ENOTFOUND EAI_AGAIN UND_ERR_CONNECT_TIMEOUT'.split(' '),
);
/** Errors inside a stream, which has no HTTP status, that may pass. */
const TRANSIENT_TYPES = ['overloaded_error', 'api_error', 'rate_limit_error', 'timeout_error'];

/** Classifies an error of the SDK. Throws what is no error of the SDK: that is a bug of the agent. */
export function toModelError(error: unknown): ModelError {
  if (error instanceof APIConnectionError) return fromConnectionError(error);
  if (error instanceof APIError) return fromApiError(error);
  // The stream was cut, ended too early, was malformed, or is nested deeper than it can be read.
  if (error instanceof AnthropicError || error instanceof SyntaxError || error instanceof RangeError)
    return new ModelError('transient', `The response of the Claude API was cut off: ${error.message}`, null, error);
  throw error;
}

function fromConnectionError(error: APIConnectionError): ModelError {
  const code = systemCodeOf(error);
  if (code !== undefined && DISCONNECTED_CODES.has(code))
    return new ModelError('disconnected', `The server cannot be reached (${code}).`, null, error);
  const what = error instanceof APIConnectionTimeoutError ? 'did not answer in time' : 'could not be reached';
  return new ModelError('transient', `The Claude API ${what}: ${error.message}`, null, error);
}

function fromApiError(error: APIError): ModelError {
  const text = error.apiMessage ?? error.message;
  const { status, type } = error;
  const make = (kind: ModelErrorKind, message: string) =>
    new ModelError(kind, message, retryAfterMs(error.headers), error);
  // The spending limit of the API account, as 429 or 402. It does not pass by waiting.
  if (error.errorCode?.endsWith('_spend_limit_reached') === true) return make('rejected', text);
  if (type === 'billing_error' || status === 402) return make('budget_spent', text);
  // The model, or the platform, has no summaries on request.
  if (error.errorCode === 'compaction_unavailable') return make('rejected', text);
  if (status === 413 || /prompt is too long|exceed context limit/i.test(text)) return make('context_overflow', text);
  if (status === undefined) {
    const is_transient = type === null || TRANSIENT_TYPES.includes(type);
    return make(is_transient ? 'transient' : 'rejected', `The Claude API broke off its response: ${text}`);
  }
  return make(kindOfStatus(status, text, error.headers), `The Claude API answered ${status}: ${text}`);
}

function kindOfStatus(status: number, text: string, headers: Headers | undefined): ModelErrorKind {
  const should_retry = headers?.get('x-should-retry');
  if (status === 408 || status === 409 || status === 429 || status >= 500 || should_retry === 'true')
    return should_retry === 'false' ? 'unavailable' : 'transient';
  if (status === 400 && /thinking|signature/i.test(text)) return 'thinking_refused';
  if (status === 400 && /image/i.test(text)) return 'image_refused';
  if (status === 400 && REFUSED_MESSAGE.test(text)) return 'message_refused';
  return 'rejected';
}

/** The system's error code, however deep in the causes. */
function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return errorCode(error) ?? systemCodeOf(error.cause);
}
