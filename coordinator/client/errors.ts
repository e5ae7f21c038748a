import type { FieldError } from '../../protocol/problem.ts';
import type { Problem } from '../../protocol/problem-document.ts';

/** An error whose message is for the user. */
export class Failure extends Error {
  override readonly name = 'Failure';
}

/** There is no log-in, or it has ended. */
export class LoggedOut extends Failure {}

type Kind =
  | 'task'
  | 'project'
  | 'session'
  | 'token'
  | 'channel'
  | 'schedule'
  | 'server'
  | 'person'
  | 'invite'
  | 'linked account'
  | 'forge';

/** No task, project, … has this id or name. */
export class NotFound extends Failure {
  readonly kind: Kind;

  constructor(kind: Kind, named: string) {
    super(`There is no ${kind} '${named}'.`);
    this.kind = kind;
  }
}

/** The server could not be reached, or is unavailable now. A retry may succeed. */
export class Unreachable extends Failure {
  readonly retry_after_s: number | undefined;
  /** What of the server does not work, if it said so. */
  readonly errors: readonly FieldError[];
  /** The Idempotency-Key of a request that may have been carried out all the same. */
  unsure_key: string | undefined;

  constructor(
    message: string,
    options: { retry_after_s?: number | undefined; errors?: readonly FieldError[] | undefined; cause?: unknown } = {},
  ) {
    super(message + when(options.retry_after_s), options);
    this.retry_after_s = options.retry_after_s;
    this.errors = options.errors ?? [];
  }
}

/** A part of the app could not be loaded. A browser keeps that failure until the page is loaded again. */
export class Incomplete extends Unreachable {}

/** A proxy in front of the server answered in its place: its own log-in may have expired. */
export class Intercepted extends Failure {}

/** The server has another address now. A person must decide whether to trust it with a log-in. */
export class Moved extends Failure {
  /** The address that a log-in would take. */
  readonly server: string;

  constructor(message: string, server: string) {
    super(message);
    this.server = server;
  }
}

/** The server closed the socket because it refused the access token. */
export class TokenRefused extends Failure {}

/** The server closed the socket because newer ones of the same account took its place. */
export class Displaced extends Failure {}

/** The server answered with a problem document. */
export class Refusal extends Failure {
  readonly code: Problem['code'];
  /** Why, where a server says that in a form for other languages; a newer one may have a reason that is not known. */
  readonly reason: string | undefined;
  readonly params: Readonly<Record<string, string>>;
  /** The fields that are wrong, as the API names them. */
  readonly errors: readonly FieldError[];
  readonly retry_after_s: number | undefined;

  constructor(problem: Problem, retry_after_s?: number) {
    const logged = problem.code === 'internal' && problem.request_id !== undefined;
    const cause = logged ? ` The server's log has the cause: ${problem.request_id}.` : '';
    super((problem.detail ?? problem.title) + cause + when(retry_after_s));
    this.code = problem.code;
    this.reason = problem.reason;
    this.params = problem.params ?? {};
    this.errors = problem.errors ?? [];
    this.retry_after_s = retry_after_s;
  }
}

/** Whether the server says that a log-in has ended, or never was. */
export function hasEnded(error: unknown): boolean {
  return error instanceof Refusal && (error.code === 'unauthenticated' || error.code === 'refresh_reused');
}

/** Whether the server says that there is no such errand. */
export function isGone(error: unknown): boolean {
  return error instanceof Refusal && error.code === 'not_found';
}

/** Whether the same may succeed at the next attempt. */
export function isPassing(error: unknown): boolean {
  if (error instanceof Refusal) return error.code === 'internal' || error.code === 'rate_limited';
  return error instanceof Unreachable;
}

/** Whether the server refuses what was asked for, and may well grant all else. */
export function refusesOnlyThis(error: unknown): error is Refusal {
  return error instanceof Refusal && error.code !== 'rate_limited' && !hasEnded(error);
}

/** How long the server asks to wait, in milliseconds, up to a bound; 0: it does not say. */
export function namedWaitMs(error: unknown, max_ms: number): number {
  const named = error instanceof Refusal || error instanceof Unreachable ? error.retry_after_s : undefined;
  return Math.min((named ?? 0) * 1000, max_ms);
}

/** A sentence that names the wait, if the server named one. */
function when(retry_after_s: number | undefined): string {
  if (retry_after_s === undefined || retry_after_s === 0) return '';
  if (retry_after_s < 120) return ` Try again in ${retry_after_s} s.`;
  return ` Try again in ${Math.ceil(retry_after_s / 60)} minutes.`;
}

/** The code of the fault at the bottom of an error; empty: it has none. */
export function codeBelow(error: unknown): string {
  if (!(error instanceof Error)) return '';
  return error.cause === undefined ? ('code' in error ? String(error.code) : '') : codeBelow(error.cause);
}
