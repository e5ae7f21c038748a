/** What a forge's API answered in place of what was asked for. */
export type ForgeApiFault =
  /** The token is not valid any more: expired or revoked. */
  | 'unauthorized'
  /** The forge does not accept the key of the server's own app. That says nothing of other tokens, and it may pass. */
  | 'app_refused'
  /** The token may not do this. */
  | 'forbidden'
  /** There is no such thing, or the token may not see it. */
  | 'not_found'
  /** The forge refused the input; the message has its reasons. */
  | 'invalid'
  /** `retry_at` says until when. */
  | 'rate_limited'
  /** The forge could not be reached, failed, or answered with what it does not promise. */
  | 'unreachable';

/** A call to a forge's API failed. The message is for people: it names the forge and never a token. */
export class ForgeApiError extends Error {
  readonly fault: ForgeApiFault;
  /** When the forge answers again, if it said so. */
  readonly retry_at: Date | undefined;
  /**
   * The forge answered, with what it does not promise or with too much: the next answer is likely to be the same. A
   * page in place of JSON is none of that: it comes from what stands before a forge that is away.
   */
  readonly malformed: boolean;
  /** What the person whose token it is can do. It is a part of the message, too. */
  readonly hint: string | undefined;

  constructor(
    fault: ForgeApiFault,
    message: string,
    options: { cause?: unknown; retry_at?: Date; malformed?: boolean; hint?: string } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'ForgeApiError';
    this.fault = fault;
    this.retry_at = options.retry_at;
    this.malformed = options.malformed ?? false;
    this.hint = options.hint;
  }
}

/** Whether the forge has refused a call for good, for whatever reason: to ask again changes nothing. */
export function isRefusal(error: unknown): error is ForgeApiError {
  return isTokenRefused(error) || (error instanceof ForgeApiError && error.fault === 'invalid');
}

/** Whether to ask again changes nothing: the forge has refused a call for good, or answers what it does not promise. */
export function isLasting(error: unknown): boolean {
  return isRefusal(error) || (error instanceof ForgeApiError && error.malformed);
}

/** Whether another token may get another answer: this one is not valid, may not do this, or is shown nothing there. */
export function isTokenRefused(error: unknown): error is ForgeApiError {
  return isDenied(error) || (error instanceof ForgeApiError && error.fault === 'unauthorized');
}

/** Whether the forge does not accept the key of the server's own app: a person's token may do. */
export function isAppRefused(error: unknown): error is ForgeApiError {
  return error instanceof ForgeApiError && error.fault === 'app_refused';
}

/** Whether a token that is valid may not do this, or is shown nothing there. */
export function isDenied(error: unknown): error is ForgeApiError {
  return isMissing(error) || (error instanceof ForgeApiError && error.fault === 'forbidden');
}

/** Whether the token is shown nothing there. */
export function isMissing(error: unknown): error is ForgeApiError {
  return error instanceof ForgeApiError && error.fault === 'not_found';
}

/** For `catch`: undefined in place of these errors, and the rejection of every other one. */
export function undefinedIf(isExpected: (error: unknown) => boolean): (error: unknown) => undefined {
  return (error) => {
    if (!isExpected(error)) throw error;
    return undefined;
  };
}
