import { LIMITS } from '../../../protocol/limits.ts';
import type { Logger } from '../../base/logger.ts';
import { Rate } from '../../base/rate.ts';
import type { RepositoryOfTask } from '../../domain/task-repository.ts';
import type { Caller } from '../caller.ts';

const LOGGED_MAX = 5;
const LOGGED_CHARS_MAX = 200;

/** The beginning of texts of a worker, as the log has them. */
export function logged(texts: readonly string[]): string[] {
  return texts.slice(0, LOGGED_MAX).map((text) => text.slice(0, LOGGED_CHARS_MAX).toWellFormed());
}

/** Logs the refused pushes of each task, and bounds how many there are. */
export class RefusedPushes {
  readonly #logger: Logger;
  readonly #rate = new Rate(LIMITS.git_refusals_per_minute_max, 'This task had too many pushes refused.');

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Throws `rate_limited` where too many of the task's pushes were refused. */
  requireFew(task_id: string): void {
    this.#rate.require(task_id);
  }

  /** `refs`: what was refused. `reasons`: one for each, where they are known. */
  note(caller: Caller & RepositoryOfTask, message: string, refs: readonly string[], reasons?: readonly string[]): void {
    const { task_id, attempt, key } = caller;
    this.#rate.use(task_id);
    const fields = { refs: logged(refs), count: refs.length, ...(reasons && { reasons: logged(reasons) }) };
    this.#logger.warn({ task_id, attempt, repository: key, ...fields }, message);
  }
}
