import { ErrandError } from '../../protocol/problem.ts';
import { FAILURE_IS_WORTH_A_RETRY, isEnded, type FailureReason, type TaskStatus } from '../../protocol/task.ts';

/** What of a task decides its next status. */
export type TaskState = {
  status: TaskStatus;
  reason: FailureReason | null;
  detail: string | null;
  attempt: number;
  failures: number;
  cancel_reason: string | null;
  queued_at: string;
  retry_at: string | null;
  started_at: string | null;
  ended_at: string | null;
};

/** What can happen to a task. `at` is an ISO time. */
export type TaskAction = { at: string } & (
  | { type: 'attempt_started' }
  | { type: 'worker_called' }
  | { type: 'question_asked' }
  | { type: 'question_closed' }
  | {
      type: 'attempt_ended';
      status: 'succeeded' | 'failed' | 'cancelled';
      reason: FailureReason | null;
      detail: string | null;
    }
  | { type: 'cancel'; reason: string }
  | { type: 'message' }
  | { type: 'retry' }
);

/** How many attempts in a row may be lost before the task fails. */
export const FAILURES_MAX = 4;
/** A worker that cannot even be started costs time alone, and an engine may be away for a quarter of an hour. */
export const START_FAILURES_MAX = 10;
const BACKOFF_FIRST_MS = 2_000;
/** No task is made to wait for its next attempt for longer than this. */
export const BACKOFF_MAX_MS = 120_000;

/**
 * The task after what happened; the same object where nothing changes. Throws `conflict` for what a person may not do now, and a plain
 * error for what cannot happen (a bug). Pure: storing it and acting on it come after.
 */
export function nextState(task: TaskState, action: TaskAction): TaskState {
  const { at } = action;
  switch (action.type) {
    case 'attempt_started':
      if (task.status !== 'queued') return impossible(task, action);
      return {
        ...task,
        status: 'starting',
        attempt: task.attempt + 1,
        retry_at: null,
        started_at: task.started_at ?? at,
      };
    case 'worker_called':
      return task.status === 'starting' ? { ...task, status: 'running' } : task;
    case 'question_asked':
      return task.status === 'running' || task.status === 'starting' ? { ...task, status: 'waiting' } : task;
    case 'question_closed':
      return task.status === 'waiting' ? { ...task, status: 'running' } : task;
    case 'attempt_ended':
      if (!isActive(task.status)) return impossible(task, action);
      return afterAttempt(task, action);
    case 'cancel':
      // The answer to the first was lost on its way to a phone.
      if (task.status === 'cancelled') return task;
      if (isEnded(task.status))
        throw new ErrandError('conflict', `The task has ended already: it ${said(task.status)}.`);
      if (task.status === 'queued')
        return { ...task, status: 'cancelled', reason: null, detail: action.reason, retry_at: null, ended_at: at };
      return task.cancel_reason === null ? { ...task, cancel_reason: action.reason } : task;
    case 'message':
      if (task.cancel_reason !== null)
        throw new ErrandError('conflict', 'The task is being cancelled: say it once it has ended.');
      return isEnded(task.status) ? requeue(task, at) : task;
    case 'retry':
      if (task.status !== 'failed' && task.status !== 'cancelled')
        throw new ErrandError(
          'conflict',
          `Only a task that failed or was cancelled can be retried: this one ${said(task.status)}.`,
        );
      return requeue(task, at);
  }
}

/** Whether an attempt of a task in this status is under way. */
export function isActive(status: TaskStatus): boolean {
  return status === 'starting' || status === 'running' || status === 'waiting';
}

function afterAttempt(task: TaskState, end: Extract<TaskAction, { type: 'attempt_ended' }>): TaskState {
  const ended = { ...task, cancel_reason: null, retry_at: null, ended_at: end.at };
  if (end.status === 'succeeded') return { ...ended, status: 'succeeded', reason: null, detail: null };
  // Whatever became of the attempt: a person wanted it stopped, and it has stopped.
  if (end.status === 'cancelled' || task.cancel_reason !== null)
    return { ...ended, status: 'cancelled', reason: null, detail: task.cancel_reason ?? end.detail };
  const failures = task.failures + 1;
  const reason = end.reason ?? 'agent_error';
  // What was too much for one worker's memory may have been chance; twice in a row it is the task.
  const again = !(reason === 'out_of_memory' && task.reason === 'out_of_memory');
  const failures_max = reason === 'worker_start_failed' ? START_FAILURES_MAX : FAILURES_MAX;
  if (FAILURE_IS_WORTH_A_RETRY[reason] && failures < failures_max && again) {
    const wait_ms = Math.min(BACKOFF_FIRST_MS * 4 ** (failures - 1), BACKOFF_MAX_MS);
    const retry_at = new Date(Date.parse(end.at) + wait_ms).toISOString();
    return { ...task, status: 'queued', reason, detail: end.detail, failures, queued_at: end.at, retry_at };
  }
  return { ...ended, status: 'failed', reason, detail: end.detail, failures };
}

/** A person asks for more: whatever failed before no longer counts. */
function requeue(task: TaskState, at: string): TaskState {
  return {
    ...task,
    status: 'queued',
    reason: null,
    detail: null,
    failures: 0,
    cancel_reason: null,
    queued_at: at,
    retry_at: null,
    ended_at: null,
  };
}

function said(status: TaskStatus): string {
  return isEnded(status) && status !== 'cancelled' ? status : `is ${status}`;
}

function impossible(task: TaskState, action: TaskAction): never {
  throw new Error(`A task that is ${task.status} cannot have '${action.type}' happen to it.`);
}
