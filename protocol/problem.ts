import { z } from 'zod';

/**
 * The closed set of error codes, with the HTTP status of each. Any other error is `internal`: its cause is logged and
 * never shown.
 */
export const ERROR_STATUS = {
  /** The request is malformed. `errors` names each field that is wrong. */
  invalid: 400,
  /** There is no token, or it is malformed, expired, revoked or meant for another API. */
  unauthenticated: 401,
  /** The e-mail address or the password is wrong. The error does not say which. */
  wrong_credentials: 401,
  /** The refresh token was used before. All tokens of the same log-in are revoked. */
  refresh_reused: 401,
  /** Sign-up is closed on this server. */
  signup_closed: 403,
  /**
   * The caller is known but may not do this: push a ref of another task, reach a host that is not on the list, use a
   * model without a price.
   */
  forbidden: 403,
  /** There is no such thing, or it belongs to someone else. */
  not_found: 404,
  method_not_allowed: 405,
  /**
   * The current state does not allow it: to cancel a task that has succeeded, to delete a project with a running
   * task.
   */
  conflict: 409,
  email_taken: 409,
  /** The Idempotency-Key was used for a different request. */
  idempotency_conflict: 409,
  /** The attempt was given up. Its worker must stop at once and make no more calls. */
  stale_attempt: 409,
  /** The attempt's result is stored. It can send nothing more. */
  attempt_ended: 409,
  /** Events before these are missing. `expected_seq` is the number that comes next. */
  events_missing: 409,
  /** A stored `seq` was sent again with different content. */
  event_conflict: 409,
  too_large: 413,
  unsupported_media_type: 415,
  /** Too many requests. `Retry-After` says how many seconds to wait. */
  rate_limited: 429,
  internal: 500,
  /** The forge or the Claude API could not be reached. */
  upstream_unreachable: 502,
  /** The server is stopping, or its disk is full. Retry later. */
  unavailable: 503,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;
export const ErrorCode = z.enum(Object.keys(ERROR_STATUS) as [ErrorCode, ...ErrorCode[]]);

/**
 * One field that is wrong. `field`: a JSON pointer such as `/budget_usd` or `/events/3/body/turn`. `message`: for
 * people, read after the field's name.
 */
export const FieldError = z.object({ field: z.string(), message: z.string() });
export type FieldError = z.infer<typeof FieldError>;

/** A problem document (RFC 9457), served as `application/problem+json`. */
export const Problem = z.object({
  type: z.string().describe('`urn:errand:problem:<code>`'),
  title: z.string(),
  status: z.number().int(),
  code: ErrorCode,
  detail: z.string().optional(),
  errors: z.array(FieldError).optional(),
  /** With `events_missing`: the `seq` that comes next. */
  expected_seq: z.number().int().optional(),
  /** Finds the entry with the cause in the server's log. */
  request_id: z.string().optional(),
});
export type Problem = z.infer<typeof Problem>;

type Extra = { errors?: FieldError[]; expected_seq?: number; retry_after_s?: number; cause?: unknown };

/**
 * The only error whose message is sent to clients. `message` is for the person at the other end, `cause` for the log.
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

  get status(): number {
    return ERROR_STATUS[this.code];
  }
}

/**
 * Makes the problem document of an error. An error that is not an `ErrandError` becomes `internal`, without its
 * cause.
 */
export function toProblem(error: unknown, request_id?: string): Problem {
  const known =
    error instanceof ErrandError ? error : new ErrandError('internal', 'Something went wrong on the server.');
  return {
    type: `urn:errand:problem:${known.code}`,
    title: known.code.replaceAll('_', ' '),
    status: known.status,
    code: known.code,
    detail: known.message,
    ...(known.errors && { errors: known.errors }),
    ...(known.expected_seq !== undefined && { expected_seq: known.expected_seq }),
    ...(request_id !== undefined && { request_id }),
  };
}

/**
 * Validates input from outside: returns the value that the schema produces, or throws an `invalid` error that names
 * each wrong field (the first 20). `where` names the input in the message, such as `The body`; it is not part of the
 * JSON pointers.
 */
export function parse<T>(schema: z.ZodType<T>, value: unknown, where = 'The request'): T {
  const result = schema.safeParse(value, { error: describeIssue });
  if (result.success) return result.data;
  const errors = result.error.issues.slice(0, 20).flatMap((issue) => {
    const base = issue.path.map((part) => `/${String(part)}`).join('');
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({ field: `${base}/${key}`, message: 'is not a known field' }));
    return [{ field: base === '' ? '/' : base, message: issue.message }];
  });
  const first = errors[0];
  throw new ErrandError(
    'invalid',
    `${where} is not valid: ${first ? `${first.field} ${first.message}` : 'malformed'}`,
    { errors },
  );
}

/** What is wrong with a field, to be read after its name; undefined to use the library's message. */
function describeIssue(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? 'is missing'
        : `is not ${TYPES[issue.expected] ?? `of the type ${issue.expected}`}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
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
