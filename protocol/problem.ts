import { z } from 'zod';

/**
 * The closed set of error codes, and what each means. Any other error is `internal`: logged with its cause, never shown.
 * problem-document.ts has the HTTP status of each.
 */
export const ERROR_MEANING = {
  invalid: 'The request does not have the right form. `errors` names each wrong field.',
  unauthenticated: 'There is no token, or it is malformed, expired, revoked or not for this API.',
  wrong_credentials: 'The e-mail address or the password is wrong. The answer is the same for both.',
  refresh_reused: 'The refresh token was used before: all tokens of that log-in are revoked.',
  signup_closed: 'Sign-up is closed on this server.',
  forbidden: 'It is not allowed, such as a push to another branch, or a model without a price.',
  not_found: 'There is no such thing, or it belongs to someone else.',
  method_not_allowed: 'This path has other methods. `Allow` lists them.',
  conflict: 'The state does not allow it, such as to cancel a task that has succeeded.',
  email_taken: 'Someone has an account with this e-mail address.',
  idempotency_conflict: 'The same `Idempotency-Key` came with another request.',
  stale_attempt: 'A newer attempt has replaced this one: its worker stops and calls no more.',
  attempt_ended: 'The attempt has ended and its result is stored: nothing more is accepted.',
  events_missing: 'Events are missing before these. `expected_seq` says which one comes next.',
  event_conflict: 'A `seq` came again with other content.',
  too_large: 'The body is above its limit.',
  unsupported_media_type: 'The body is not JSON.',
  rate_limited: 'There were too many attempts. `Retry-After` says when to try again.',
  internal: 'Anything else. The log of the server has the cause, by the `request_id`.',
  upstream_unreachable: 'The forge or the Claude API could not be reached.',
  unavailable: 'The server is stopping, or its disk is full: try again later.',
} as const;

export type ErrorCode = keyof typeof ERROR_MEANING;
export const ErrorCode = z.enum(Object.keys(ERROR_MEANING) as [ErrorCode, ...ErrorCode[]]);

/** One field that is wrong: a JSON pointer such as `/budget_usd` or `/events/3/body/turn`, and words for a person. */
export const FieldError = z.object({ field: z.string(), message: z.string() });
export type FieldError = z.infer<typeof FieldError>;

type Extra = { errors?: FieldError[]; expected_seq?: number; retry_after_s?: number; cause?: unknown };

/**
 * The one error that may reach a wire: as a code, with no HTTP status. Its `message` is for the person at the other
 * end; its `cause` is for the log.
 */
export class ErrandError extends Error {
  override readonly name = 'ErrandError';
  readonly code: ErrorCode;
  readonly errors: FieldError[] | undefined;
  readonly expected_seq: number | undefined;
  readonly retry_after_s: number | undefined;

  constructor(code: ErrorCode, message: string, extra: Extra = {}) {
    super(message, { cause: extra.cause });
    this.code = code;
    this.errors = extra.errors;
    this.expected_seq = extra.expected_seq;
    this.retry_after_s = extra.retry_after_s;
  }
}

/**
 * Gives outside input its type: returns the value that the schema makes of it, or throws an `invalid` error that names
 * each wrong field. `where` (`The body`, `The query`) stands before the field in the message, never in the pointer.
 */
export function parse<T>(schema: z.ZodType<T>, value: unknown, where = 'The request'): T {
  const result = schema.safeParse(value, { error: wordsFor });
  if (result.success) return result.data;
  const errors = result.error.issues.slice(0, 20).flatMap((issue) => {
    const base = issue.path.map((part) => `/${String(part)}`).join('');
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({ field: `${base}/${key}`, message: 'is not known here' }));
    return [{ field: base === '' ? '/' : base, message: issue.message }];
  });
  const first = errors[0];
  throw new ErrandError(
    'invalid',
    `${where} is not valid: ${first ? `${first.field} ${first.message}` : 'wrong form'}`,
    { errors },
  );
}

/** What is wrong with a field, to be read after its name; undefined where the library's own words will do. */
function wordsFor(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? 'is missing'
        : `is not ${TYPES[issue.expected] ?? `of the type ${issue.expected}`}`;
    case 'invalid_value':
      return `is none of ${issue.values.map(String).join(', ')}`;
    case 'too_big':
      return `is too ${isText(issue.origin) ? 'long' : 'large'}: at most ${issue.maximum}`;
    case 'too_small':
      return `is too ${isText(issue.origin) ? 'short' : 'small'}: ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
    default:
      return undefined;
  }
}

const TYPES: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  array: 'an array',
};
const isText = (origin: string) => origin === 'string' || origin === 'array';
