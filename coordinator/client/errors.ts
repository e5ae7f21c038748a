import type { FieldError, Problem } from '../../protocol/problem.ts';

/** What went wrong, in words for a person. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly errors: readonly FieldError[];

  constructor(message: string, options: { errors?: readonly FieldError[] | undefined; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.errors = options.errors ?? [];
  }
}

/** Nobody is logged in, or the log-in has ended. */
export class LoggedOut extends Failure {}

/** No task or project has that id or name. */
export class NotFound extends Failure {
  readonly kind: 'task' | 'project';

  constructor(kind: 'task' | 'project', named: string) {
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

  constructor(problem: Problem) {
    const logged = problem.code === 'internal' && problem.request_id !== undefined;
    // One that is wrong is named by the detail already.
    const several = problem.errors !== undefined && problem.errors.length > 1;
    const words = several ? 'The server did not take this:' : (problem.detail ?? problem.title);
    super(words + (logged ? ` The server's log has the cause: ${problem.request_id}.` : ''), {
      errors: several ? problem.errors : undefined,
    });
    this.code = problem.code;
  }
}
