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

  constructor(message: string, options: { retry_after_s?: number | undefined; cause?: unknown } = {}) {
    super(message + when(options.retry_after_s), options);
    this.retry_after_s = options.retry_after_s;
  }
}

/** The server answered with a problem document. */
export class Refusal extends Failure {
  readonly code: Problem['code'];
  /** The fields that are wrong, as the API names them. */
  readonly errors: readonly FieldError[];
  readonly retry_after_s: number | undefined;

  constructor(problem: Problem, retry_after_s?: number) {
    const logged = problem.code === 'internal' && problem.request_id !== undefined;
    const cause = logged ? ` The server's log has the cause: ${problem.request_id}.` : '';
    super((problem.detail ?? problem.title) + cause + when(retry_after_s));
    this.code = problem.code;
    this.errors = problem.errors ?? [];
    this.retry_after_s = retry_after_s;
  }
}

/** A sentence that names the wait, if the server named one. */
function when(retry_after_s: number | undefined): string {
  if (retry_after_s === undefined || retry_after_s === 0) return '';
  if (retry_after_s < 120) return ` Try again in ${retry_after_s} s.`;
  return ` Try again in ${Math.ceil(retry_after_s / 60)} minutes.`;
}
