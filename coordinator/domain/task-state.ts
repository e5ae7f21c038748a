import { ErrandError } from '../../protocol/problem.ts';
import { FAILURE_IS_WORTH_A_RETRY, type FailureReason } from '../../protocol/failures.ts';
import { isEnded, type TaskStatus } from '../../protocol/task.ts';
import { afterOutage, isOutage } from './outage.ts';

/** The columns that decide a task's next status. */
export type TaskState = {
  status: TaskStatus;
  reason: FailureReason | null;
  detail: string | null;
  attempt: number;
  failures: number;
  cancel_reason: string | null;
  queued_at: string;
  retry_at: string | null;
  /** Since when its attempts fail because a service cannot be reached. Null: the last one did not. */
  outage_since: string | null;
  started_at: string | null;
  ended_at: string | null;
};

/** An action that can change a task's status. `at` is an ISO time. */
export type TaskAction = { at: string } & (
  | { type: 'attempt_started' }
  | { type: 'worker_called' }
  | { type: 'question_asked' }
  | { type: 'question_closed' }
  | {
      type: 'attempt_ended';
      /** `parked`: the task waits for its person without a worker. */
      status: 'succeeded' | 'failed' | 'cancelled' | 'parked';
      reason: FailureReason | null;
      detail: string | null;
      /** When the service that failed takes requests again, as it said itself. */
      retry_at?: string | null;
      /** Whether the model has answered in this attempt: then an outage begins with its end. */
      progressed?: boolean;
      /** Whether its worker was lost with what runs the workers: the container engine, or the machine. */
      engine_lost?: boolean;
      /** Whether a further attempt would fail in the same way, whatever the reason. */
      final?: boolean;
      /** How long the task waited before this attempt. */
      waited_ms?: number;
    }
  | { type: 'cancel'; reason: string }
  | { type: 'message' }
  /** The message that had queued the task again is gone. `end`: how it had ended before. */
  | { type: 'message_withdrawn'; end: Pick<TaskState, 'status' | 'reason' | 'detail' | 'ended_at'> }
  | { type: 'retry' }
  /** A decision was made that lets a parked task go on, or that ends it. */
  | { type: 'go_on' }
  | { type: 'end_parked'; reason: FailureReason; detail: string }
);

/** After this many failed attempts in a row the task fails. */
export const FAILURES_MAX = 4;
/** Higher for workers that cannot be started: that costs only time, and Docker may be down for a quarter of an hour. */
export const START_FAILURES_MAX = 10;
const BACKOFF_FIRST_MS = 2_000;
/** The longest backoff before the next attempt. */
const BACKOFF_MAX_MS = 120_000;

/**
 * Returns the state after an action; the same object if nothing changes. Throws `conflict` if the user may not do this
 * now, and a plain error for an impossible transition (a bug). Pure: the caller stores the state and acts on it.
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
      // A repeated request: the client did not receive the first response.
      if (task.status === 'cancelled') return task;
      if (isEnded(task.status))
        throw new ErrandError('conflict', `The task has already ended: it ${describeStatus(task.status)}.`);
      if (task.status === 'queued' || task.status === 'parked')
        return { ...task, status: 'cancelled', reason: null, detail: action.reason, retry_at: null, ended_at: at };
      return task.cancel_reason === null ? { ...task, cancel_reason: action.reason } : task;
    case 'message':
      if (task.cancel_reason !== null)
        throw new ErrandError('conflict', 'The task is being cancelled. Send the message again after it has ended.');
      // The user may know that an outage is over.
      if (task.status === 'queued' && task.outage_since !== null && task.retry_at !== null)
        return { ...task, retry_at: null };
      return isEnded(task.status) || task.status === 'parked' ? requeue(task, at) : task;
    case 'message_withdrawn':
      return task.status === 'queued' ? { ...task, ...action.end, retry_at: null, outage_since: null } : task;
    case 'go_on':
      return task.status === 'parked' ? requeue(task, at) : task;
    case 'end_parked': {
      if (task.status !== 'parked') return task;
      const { reason, detail } = action;
      return { ...task, status: 'failed', reason, detail, ended_at: at };
    }
    case 'retry':
      // It waits for a limit, and the user does not want to.
      if (task.status === 'queued' && task.retry_at !== null) return { ...task, retry_at: null };
      if (task.status !== 'failed' && task.status !== 'cancelled')
        throw new ErrandError(
          'conflict',
          `Only a failed or cancelled task can be retried: this one ${describeStatus(task.status)}.`,
        );
      return requeue(task, at);
  }
}

/** Whether a task in this status has an attempt in progress. */
export function isActive(status: TaskStatus): boolean {
  return status === 'starting' || status === 'running' || status === 'waiting';
}

function afterAttempt(task: TaskState, end: Extract<TaskAction, { type: 'attempt_ended' }>): TaskState {
  const ended = { ...task, cancel_reason: null, retry_at: null, outage_since: null, ended_at: end.at };
  if (end.status === 'succeeded') return { ...ended, status: 'succeeded', reason: null, detail: null };
  // The user's cancel wins over any other outcome of the attempt.
  if (end.status === 'cancelled' || task.cancel_reason !== null)
    return { ...ended, status: 'cancelled', reason: null, detail: task.cancel_reason ?? end.detail };
  if (end.status === 'parked')
    return { ...task, status: 'parked', reason: null, detail: null, retry_at: null, outage_since: null };
  const reason = end.reason ?? 'agent_error';
  if (isOutage(reason) || end.engine_lost === true) {
    const { retry_at, outage_since, given_up } = afterOutage(task.outage_since, end);
    if (retry_at === null)
      return { ...ended, status: 'failed', reason, detail: [end.detail, given_up].filter(Boolean).join(' ') };
    return { ...task, status: 'queued', reason, detail: end.detail, queued_at: end.at, retry_at, outage_since };
  }
  const failures = task.failures + 1;
  // Running out of memory once may be chance; twice in a row it is the task.
  const again = !(reason === 'out_of_memory' && task.reason === 'out_of_memory');
  const failures_max = reason === 'worker_start_failed' ? START_FAILURES_MAX : FAILURES_MAX;
  if (FAILURE_IS_WORTH_A_RETRY[reason] && end.final !== true && failures < failures_max && again) {
    const wait_ms = Math.min(BACKOFF_FIRST_MS * 4 ** (failures - 1), BACKOFF_MAX_MS);
    const retry_at = new Date(Date.parse(end.at) + wait_ms).toISOString();
    const again_at = { queued_at: end.at, retry_at, outage_since: null };
    return { ...task, status: 'queued', reason, detail: end.detail, failures, ...again_at };
  }
  return { ...ended, status: 'failed', reason, detail: end.detail, failures };
}

/** The user asked for another run: earlier failures no longer count. */
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
    outage_since: null,
    ended_at: null,
  };
}

function describeStatus(status: TaskStatus): string {
  return isEnded(status) && status !== 'cancelled' ? status : `is ${status}`;
}

function impossible(task: TaskState, action: TaskAction): never {
  throw new Error(`The action '${action.type}' is not possible while a task is ${task.status}.`);
}
