import { z } from 'zod';
import { REFUSAL_MEANING, SCHEMA_WORDS, type RefusalReason } from './refusal-reasons.ts';

/**
 * The closed set of error codes, and what each means. Any other error is `internal`: logged with its cause, never
 * shown. problem-document.ts has the HTTP status of each.
 */
export const ERROR_MEANING = {
  invalid: 'The request is malformed. `errors` names each field that is wrong.',
  unauthenticated: 'There is no token, or it is malformed, expired, revoked or for another API.',
  wrong_credentials: 'The e-mail address or the password is wrong. The error does not say which.',
  refresh_reused:
    'The refresh token was used before, and so was the one that took its place. All tokens of that log-in are revoked.',
  setup_code_wrong: 'The first account needs the one-time code that the server printed when it started.',
  signup_closed: 'Sign-up is closed on this server.',
  link_invalid:
    'The link or sign-in was used before, has expired or was revoked, or is not one of this server or browser.',
  account_blocked: 'The owner of the server has blocked the account.',
  forbidden:
    'The caller may not do this, such as push to another branch, use a model without a price, or call from a page of another server.',
  not_found: 'It does not exist, or it belongs to someone else.',
  method_not_allowed: 'The path does not support this method. `Allow` lists those that it supports.',
  conflict: 'The current state does not allow it, such as to cancel a task that has succeeded.',
  email_taken: 'There is an account with this e-mail address already.',
  idempotency_conflict: 'The `Idempotency-Key` was used for a different request.',
  stale_attempt: 'The attempt was given up. Its worker must stop at once and make no more calls.',
  attempt_ended: 'The result of the attempt is stored. It can send nothing more.',
  events_missing: 'Events before these are missing. `expected_seq` is the number that comes next.',
  event_conflict: 'A stored `seq` was sent again with different content.',
  log_full: 'The attempt or its task has stored as many events as it may. It was ended: its worker must stop at once.',
  too_large: 'The body is larger than its limit, or has more structure than its limit.',
  unsupported_media_type: 'The body is not JSON.',
  rate_limited: 'Too many requests. `Retry-After` says how many seconds to wait.',
  internal: 'Any other error. The log of the server has its cause, with the `request_id`.',
  upstream_unreachable: 'The forge or the Claude API could not be reached.',
  unavailable: 'The server is stopping, or its disk is full. Retry later.',
} as const;

export type ErrorCode = keyof typeof ERROR_MEANING;
export const ErrorCode = z.enum(Object.keys(ERROR_MEANING) as [ErrorCode, ...ErrorCode[]]);

/** Why something is refused, in a form that a client can say in another language. */
export const Reasoned = z.object({
  reason: z
    .string()
    .optional()
    .describe(`one of ${Object.keys(REFUSAL_MEANING).join(', ')}; a newer server may have further ones`),
  params: z.record(z.string(), z.string()).optional().describe('what the words of the reason can name'),
});

/**
 * One field that is wrong. `field`: a JSON pointer such as `/budget_usd` or `/events/3/body/turn`. `message`: for
 * people, read after the field's name.
 */
export const FieldError = z.object({ field: z.string(), message: z.string(), ...Reasoned.shape });
export type FieldError = z.infer<typeof FieldError>;

/** Why, as this server says it. */
export type Why = { reason?: RefusalReason; params?: Record<string, string> };
/** A field that is wrong, for a reason of the closed set. */
export const wrongField = (field: string, message: string, why: Why = {}): FieldError => ({ field, message, ...why });

type Extra = Why & { errors?: FieldError[]; expected_seq?: number; retry_after_s?: number; cause?: unknown };

/**
 * The only error whose message is sent to clients. It has a code and no HTTP status. `message` is for the person at
 * the other end, `cause` for the log.
 */
export class ErrandError extends Error {
  override readonly name = 'ErrandError';
  readonly code: ErrorCode;
  readonly reason: RefusalReason | undefined;
  readonly params: Record<string, string> | undefined;
  readonly errors: FieldError[] | undefined;
  readonly expected_seq: number | undefined;
  readonly retry_after_s: number | undefined;

  constructor(code: ErrorCode, message: string, extra: Extra = {}) {
    super(message, { cause: extra.cause });
    this.code = code;
    this.reason = extra.reason;
    this.params = extra.params;
    this.errors = extra.errors;
    this.expected_seq = extra.expected_seq;
    this.retry_after_s = extra.retry_after_s;
  }
}

/** How many wrong fields an error names. */
const ERRORS_MAX = 20;
const FIELD_CHARS_MAX = 200;

/**
 * Validates input from outside. Returns the value that the schema produces, or throws an `invalid` error that names
 * each wrong field, 20 at most. `where` names the input in the message, such as `The body`; it is not part of the
 * JSON pointers, `at` is: the pointer of the value itself.
 */
export function parse<T>(schema: z.ZodType<T>, value: unknown, where = 'The request', at = ''): T {
  // What `safeParse` does, except that it would first write a message for each of what may be a million issues.
  const context = { error: describeIssue, async: false } as const;
  const result = schema._zod.run({ value, issues: [] }, context);
  if (result instanceof Promise) throw new z.core.$ZodAsyncError();
  if (result.issues.length === 0) return result.value as T;
  const fields = result.issues.slice(0, ERRORS_MAX).flatMap((raw): FieldError[] => {
    const issue = z.core.util.finalizeIssue(raw, context, z.config());
    const base = at + issue.path.map((part) => `/${String(part)}`).join('');
    const field = base === '' ? '/' : base;
    if (isMissing(raw)) return [{ field, message: 'is missing', reason: 'missing' }];
    if (issue.code !== 'unrecognized_keys') return [{ field, message: issue.message, ...reasonOf(raw, issue.message) }];
    const keys = issue.keys.slice(0, ERRORS_MAX);
    return keys.map((key) => ({ field: `${base}/${key}`, message: 'is not a known field' }));
  });
  const errors = fields
    .slice(0, ERRORS_MAX)
    .map(({ field, ...rest }) => ({ field: field.slice(0, FIELD_CHARS_MAX), ...rest }));
  const first = errors[0];
  throw new ErrandError(
    'invalid',
    `${where} is not valid: ${first ? `${first.field} ${first.message}` : 'malformed'}`,
    { errors },
  );
}

/** What is wrong with a field, to be read after its name; undefined to use the message of the library. */
function describeIssue(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return `is not ${TYPES[issue.expected] ?? `of the type ${issue.expected}`}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'too_big':
      return `is too ${isText(issue.origin) ? 'long' : 'large'}: at most ${issue.maximum}`;
    case 'too_small':
      return `is too ${isText(issue.origin) ? 'short' : 'small'}: ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
    case 'invalid_key':
      // The pointer names the key.
      return issue.issues[0]?.message;
    case 'invalid_union':
      // Of a field that tells the members of the union apart.
      return Array.isArray(issue.options) ? `must be one of ${issue.options.map(String).join(', ')}` : undefined;
    default:
      return undefined;
  }
}

/** The reason of an issue with its parameters, where it has one. */
function reasonOf(issue: z.core.$ZodRawIssue, message: string): Why {
  switch (issue.code) {
    case 'invalid_value':
      return { reason: 'not_one_of', params: { values: issue.values.map(String).join(', ') } };
    case 'too_big':
      return { reason: TOO_BIG[issue.origin] ?? 'too_large', params: { max: String(issue.maximum) } };
    case 'too_small': {
      const of_number = issue.inclusive === false ? 'not_above' : 'too_small';
      return { reason: TOO_SMALL[issue.origin] ?? of_number, params: { min: String(issue.minimum) } };
    }
    default: {
      const reason = SCHEMA_REASONS.find((each) => SCHEMA_WORDS[each] === message);
      return reason ? { reason } : {};
    }
  }
}

/** Whether there is no value at all. The schema's own message is about a value, such as "is not a time". */
function isMissing(issue: z.core.$ZodRawIssue): boolean {
  switch (issue.code) {
    case 'invalid_type':
    case 'invalid_value':
      return issue.input === undefined;
    case 'invalid_union': {
      // A union that is told apart by a field gives the whole object.
      const { input, discriminator } = issue;
      if (typeof discriminator !== 'string' || typeof input !== 'object' || input === null) return input === undefined;
      return !Object.hasOwn(input, discriminator);
    }
    default:
      return false;
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
const TOO_BIG: Record<string, RefusalReason> = { string: 'too_long', array: 'too_many' };
const TOO_SMALL: Record<string, RefusalReason> = { string: 'too_short', array: 'too_few' };
const SCHEMA_REASONS = Object.keys(SCHEMA_WORDS) as (keyof typeof SCHEMA_WORDS)[];
const isText = (origin: string) => origin === 'string' || origin === 'array';
