import { z } from 'zod';

/**
 * The closed set of error codes. Any other error is `internal`: logged with its cause, never shown. Which HTTP status a
 * code has is in problem-document.ts.
 */
export const ErrorCode = z.enum([
  /** The request does not have the right form; `errors` names each field. */
  'invalid',
  /** No token, or one that is malformed, expired, revoked, or meant for another surface. */
  'unauthenticated',
  /** The e-mail address or the password is wrong. The answer is the same for both. */
  'wrong_credentials',
  /** The refresh token was used before: everything that descends from the same log-in is revoked. */
  'refresh_reused',
  /** Sign-up is closed on this server. */
  'signup_closed',
  /** Known, but not allowed: a foreign ref in a push, a host that is not on the list, a model that is not priced. */
  'forbidden',
  /** No such thing, or it belongs to someone else. */
  'not_found',
  'method_not_allowed',
  /** The state does not allow it: cancelling a task that has succeeded, deleting a project at work. */
  'conflict',
  'email_taken',
  /** The same Idempotency-Key came with another request. */
  'idempotency_conflict',
  /** The attempt was given up: its worker stops at once and calls no more. */
  'stale_attempt',
  /** The attempt has ended: its result is stored, and nothing more is taken. */
  'attempt_ended',
  /** Events are missing before these; `expected_seq` says which comes next. */
  'events_missing',
  /** A `seq` came again with another content. */
  'event_conflict',
  'too_large',
  'unsupported_media_type',
  /** Too many attempts; `Retry-After` says when to come back. */
  'rate_limited',
  'internal',
  /** The forge or the Claude API could not be reached. */
  'upstream_unreachable',
  /** The server is stopping, or its disk is full: come back. */
  'unavailable',
]);
export type ErrorCode = z.infer<typeof ErrorCode>;

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
