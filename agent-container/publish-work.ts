import { LIMITS } from '../protocol/limits.ts';
import type { FailureReason } from '../protocol/task.ts';
import { errorCode } from './base/error-code.ts';
import { AttemptFailure } from './base/failure.ts';
import type { WorkResult } from './base/work.ts';
import { StoppedPush } from './git/inspect.ts';
import { NOTHING_PUBLISHED } from './git/publisher.ts';
import type { AttemptResult } from './reporting/reporter.ts';
import { repositoryResult, type TaskClones } from './task-clones.ts';

/** As the contract bounds it. */
const DETAIL_CHARS_MAX = 4_000;
/** For the person, where the work was not pushed because of what it is. */
const KEPT =
  '\n\nSo what is new since the last push is not at the forge. It is not lost: the diff shows it, and the errand goes on ' +
  'with the same files. Reply how it is to go on';
const HOW_TO_GO_ON = {
  forbidden: `${KEPT}, for example without that file. If the value of a variable was found that is no secret, make it a plain one in the project, and retry.`,
  odd: `${KEPT}.`,
};

/** The result of an attempt that pushed nothing. */
export function unpublished(
  { status, reason, detail, retry_at = null, summary }: WorkResult,
  base_commit: string | null,
): AttemptResult {
  // An older coordinator does not know the field.
  const retry = retry_at === null ? {} : { retry_at };
  const short = summary.slice(0, LIMITS.summary_chars_max);
  return { ...NOTHING_PUBLISHED, status, reason, detail, ...retry, summary: short, base_commit };
}

/**
 * Commits, pushes, and makes the result. A push that fails makes a success a failure; it is reported with any other
 * result. What was pushed in other repositories is part of the result all the same.
 */
export async function publishWork(
  work: WorkResult,
  clones: TaskClones,
  { message, signal }: { message: string; signal: AbortSignal },
): Promise<{ result: AttemptResult; errors: unknown[] }> {
  const finished = await clones.finish(signal, message, { wip: work.status !== 'succeeded' });
  const [first, ...others] = finished;
  if (!first) throw new Error('There is no clone.');
  const { held_commit, ...published } = first.published;
  const result: AttemptResult = {
    ...unpublished(work, first.clone.prepared.base_commit),
    ...published,
    ...(held_commit !== null && { held_commit }),
    ...(others.length > 0 && { repositories: others.map(repositoryResult) }),
  };
  const errors = finished.map(({ error }) => error).filter((error) => error !== null);
  const ended = errors.reduce(notPushed, result);
  const stopped = errors.map(stoppedPush).filter((error) => error !== null);
  if (stopped.length === 0) return { result: ended, errors };
  const how = stopped.some(({ has_forbidden }) => has_forbidden) ? HOW_TO_GO_ON.forbidden : HOW_TO_GO_ON.odd;
  const detail = `${(ended.detail ?? '').slice(0, DETAIL_CHARS_MAX - how.length)}${how}`;
  return { result: { ...ended, detail }, errors };
}

function stoppedPush(error: unknown): StoppedPush | null {
  if (error instanceof StoppedPush) return error;
  return error instanceof AttemptFailure ? stoppedPush(error.cause) : null;
}

/** The result of work that is not on the forge, or not the newest of it. */
export function notPushed(result: AttemptResult, error: unknown): AttemptResult {
  const { retry_at: _, ...failure } = describeFailure(error);
  if (result.status === 'succeeded') return { ...result, status: 'failed', ...failure };
  if (result.detail?.includes(failure.detail)) return result;
  const both = `${result.detail ?? ''}\nThe work in progress could not be pushed: ${failure.detail}`.trim();
  return { ...result, detail: both.slice(0, DETAIL_CHARS_MAX) };
}

/** An error as the reason and detail of a failed attempt. */
export function describeFailure(error: unknown): { reason: FailureReason; detail: string; retry_at: string | null } {
  const message = error instanceof Error ? error.message : String(error);
  const retry_at = error instanceof AttemptFailure ? error.retry_at : null;
  return { reason: reasonOf(error), detail: message.slice(0, DETAIL_CHARS_MAX), retry_at };
}

function reasonOf(error: unknown): FailureReason {
  if (error instanceof AttemptFailure) return error.reason;
  return errorCode(error) === 'ENOSPC' ? 'disk_full' : 'agent_error';
}
