import { APIConnectionError, APIConnectionTimeoutError, APIError, AnthropicError } from '@anthropic-ai/sdk';
import { errorCode, isDisconnected } from '../base/error-code.ts';
import { refusalIn, type Refusal } from './refusal.ts';
import { retryAfterMs } from './retry-after.ts';

/**
 * What a failed request means.
 *
 * - `transient`: another try may succeed.
 * - `disconnected`: there is no connection to the coordinator, through which all requests go.
 * - `context_overflow`: the conversation is too long.
 * - `budget_spent`: the task's budget is spent.
 * - `unavailable`: the server asks not to retry now.
 * - `rejected`: it would be refused every time, unless what `refusal` names of the conversation is changed.
 */
export type ModelErrorKind =
  'transient' | 'disconnected' | 'context_overflow' | 'budget_spent' | 'unavailable' | 'rejected';

export class ModelError extends Error {
  override readonly name = 'ModelError';
  readonly kind: ModelErrorKind;
  /** How long the API asks to wait before a retry; null if it does not say. */
  readonly retry_after_ms: number | null;
  /** What the API refuses of the conversation; null if it is not the conversation. */
  readonly refusal: Refusal | null;

  constructor(
    kind: ModelErrorKind,
    message: string,
    retry_after_ms: number | null,
    cause?: unknown,
    refusal: Refusal | null = null,
  ) {
    super(message, { cause });
    this.kind = kind;
    this.retry_after_ms = retry_after_ms;
    this.refusal = refusal;
  }
}

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
  if (isDisconnected(code))
    return new ModelError('disconnected', `The server cannot be reached (${code}).`, null, error);
  const what = error instanceof APIConnectionTimeoutError ? 'did not answer in time' : 'could not be reached';
  return new ModelError('transient', `The Claude API ${what}: ${error.message}`, null, error);
}

function fromApiError(error: APIError): ModelError {
  const text = error.apiMessage ?? error.message;
  const { status, type } = error;
  const make = (kind: ModelErrorKind, message: string, refusal: Refusal | null = null) =>
    new ModelError(kind, message, retryAfterMs(error.headers), error, refusal);
  // The spending limit of the API account, as 429 or 402. It does not pass by waiting.
  if (error.errorCode?.endsWith('_spend_limit_reached') === true) return make('rejected', text);
  // So the coordinator says it of the task's budget. A 402 is about the API account, and no budget changes it.
  if (type === 'billing_error' && status === 429) return make('budget_spent', text);
  // The model, or the platform, has no summaries on request.
  if (error.errorCode === 'compaction_unavailable') return make('rejected', text);
  if (status === 413 || /prompt is too long|exceed context limit/i.test(text)) return make('context_overflow', text);
  if (status === undefined) {
    const is_transient = type === null || TRANSIENT_TYPES.includes(type);
    return make(is_transient ? 'transient' : 'rejected', `The Claude API broke off its response: ${text}`);
  }
  const refusal = status === 400 ? refusalIn(text) : null;
  return make(kindOfStatus(status, error.headers), `The Claude API answered ${status}: ${text}`, refusal);
}

function kindOfStatus(status: number, headers: Headers | undefined): ModelErrorKind {
  const should_retry = headers?.get('x-should-retry');
  if (status === 408 || status === 409 || status === 429 || status >= 500 || should_retry === 'true')
    return should_retry === 'false' ? 'unavailable' : 'transient';
  return 'rejected';
}

/** The system's error code, however deep in the causes. */
function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return errorCode(error) ?? systemCodeOf(error.cause);
}
