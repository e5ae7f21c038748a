import type { FieldError } from '../../protocol/problem.ts';
import type { Problem } from '../../protocol/problem-document.ts';

/** What went wrong, in words for a person. */
export class Failure extends Error {
  override readonly name = 'Failure';
}

/** Nobody is logged in, or the log-in has ended. */
export class LoggedOut extends Failure {}

type Kind = 'task' | 'project' | 'session' | 'server';

/** Nothing of that kind has that id or name. */
export class NotFound extends Failure {
  readonly kind: Kind;

  constructor(kind: Kind, named: string) {
    super(`There is no ${kind} '${named}'.`);
    this.kind = kind;
  }
}

/** The server could not be reached, or is not able to answer now: worth another try. */
export class Unreachable extends Failure {
  readonly retry_after_s: number | undefined;

  constructor(message: string, options: { retry_after_s?: number | undefined; cause?: unknown } = {}) {
    super(message, options);
    this.retry_after_s = options.retry_after_s;
  }
}

/** The server refused, with a problem document. */
export class Refusal extends Failure {
  readonly code: Problem['code'];
  /** The fields that are wrong, as the API names them. */
  readonly errors: readonly FieldError[];

  constructor(problem: Problem) {
    const logged = problem.code === 'internal' && problem.request_id !== undefined;
    const cause = logged ? ` The server's log has the cause: ${problem.request_id}.` : '';
    super((problem.detail ?? problem.title) + cause);
    this.code = problem.code;
    this.errors = problem.errors ?? [];
  }
}
