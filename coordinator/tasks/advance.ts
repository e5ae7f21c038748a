import { sayReason } from '../../protocol/said-reason.ts';
import { isEnded } from '../../protocol/task.ts';
import type { Tx } from '../sqlite/event-log.ts';
import type { NeedAsk } from '../domain/need.ts';
import { updateWaitingFor } from '../sqlite/progress.ts';
import { listOpenNeeds } from '../sqlite/needs.ts';
import { askNeed, withdrawNeeds } from './needs.ts';
import { findAttempt, markAttemptEnded } from '../sqlite/attempts.ts';
import { findNewestEvent } from '../sqlite/steps.ts';
import { hasPendingOf } from '../sqlite/messages.ts';
import { releaseRepositoryCommits } from '../sqlite/task-repositories.ts';
import { holdCommit, updateState } from '../sqlite/tasks.ts';
import { isActive, nextState, type TaskAction } from '../domain/task-state.ts';
import type { TaskRow } from '../domain/task.ts';

/**
 * Applies an action to a task: computes the next state (`../domain/task-state.ts`), stores it, and appends an event if
 * the status changed. Returns the new task. `task` must have been read in the same transaction.
 */
export function advance(tx: Tx, task: TaskRow, action: TaskAction): TaskRow {
  const next_state = nextState(task, action);
  if (next_state === task) return task;
  // What goes on is not archived any more.
  const archived_at = next_state.ended_at === null ? null : task.archived_at;
  const next: TaskRow = { ...task, ...next_state, archived_at, updated_at: action.at };
  if (!updateState(tx.db, task.id, task, next_state, action.at))
    throw new Error(`Task ${task.id} was changed concurrently.`);
  if (next.status !== task.status) {
    // The event that requeues the task carries the reason of the failed attempt; later events need not repeat it.
    const { reason, detail } = isActive(next.status) ? { reason: null, detail: null } : next;
    tx.note(
      next,
      { type: 'task.status', body: { from: task.status, to: next.status, ...sayReason(reason), detail } },
      action.at,
    );
  }
  // A host may still be allowed after the end, and its pull request goes on: so may the errand.
  const outlives = ({ kind }: NeedAsk) => next.status !== 'cancelled' && (kind === 'host' || kind === 'follow_up');
  if (isEnded(next.status)) withdrawNeeds(tx, next, (need) => !outlives(need), action.at);
  // What it asked at its spent budget is void once it goes on, for whatever reason.
  else if (task.status === 'parked') withdrawNeeds(tx, next, ({ kind }) => kind === 'budget', action.at);
  return next;
}

type End = Omit<Extract<TaskAction, { type: 'attempt_ended' }>, 'type' | 'progressed' | 'waited_ms'>;

/**
 * Ends a task's current attempt; from then on its token is refused. Undefined: the attempt has already ended, or is not
 * the current one. With `ask` the task does not end: it is parked until its person has decided. Messages that arrived
 * during the attempt but never reached the conversation are not lost: a task that would have ended is queued again for
 * them.
 */
export function endAttempt(tx: Tx, task: TaskRow, n: number, end: End, ask?: NeedAsk): TaskRow | undefined {
  if (task.attempt !== n || !markAttemptEnded(tx.db, task.id, n, end)) return undefined;
  const { status, reason, detail, at } = end;
  const started_at = findAttempt(tx.db, task.id, n)?.started_at ?? '';
  const action = {
    type: 'attempt_ended' as const,
    ...end,
    progressed: findNewestEvent(tx.db, task.id, n, ['turn.finished']) !== undefined,
    waited_ms: Date.parse(started_at) - Date.parse(task.queued_at),
  };
  const { retry_at } = nextState(task, action);
  tx.note(task, { type: 'attempt.ended', body: { status, ...sayReason(reason), detail, retry_at } }, at);
  // What was refused in this attempt says nothing of the next one.
  holdCommit(tx.db, task.id, null);
  releaseRepositoryCommits(tx.db, task.id);
  const ended = advance(tx, task, action);
  // Older pending messages were in its assignment and were ignored; another attempt would ignore them again.
  const is_parked = ended.status === 'parked';
  const may_go_on = is_parked || (isEnded(ended.status) && ended.status !== 'cancelled');
  const goes_on = may_go_on && hasPendingOf(tx.db, task.id, n, is_parked);
  // What was said meanwhile goes on with the work, so that nothing is to be decided about it yet.
  if (is_parked && ask && !goes_on) askNeed(tx, ended, ask, at);
  if (is_parked) showWaitForPerson(tx, ended);
  return goes_on ? advance(tx, ended, { type: 'message', at }) : ended;
}

/** Shows that a parked task waits for its person, if it has asked something. */
function showWaitForPerson(tx: Tx, task: TaskRow): void {
  const need = listOpenNeeds(tx.db, task.id).find(({ kind }) => kind !== 'host');
  if (!need) return;
  const { asked_at: since, question } = need;
  updateWaitingFor(tx.db, task.id, JSON.stringify({ kind: 'person', since, question }));
}
