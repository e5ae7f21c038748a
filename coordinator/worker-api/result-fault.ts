import { z } from 'zod';
import type { FailureReason } from '../../protocol/task.ts';
import type { ResultPost } from '../../protocol/worker-schemas.ts';
import { hasPushedWork } from '../domain/task-repository.ts';
import type { Db } from '../sqlite/database.ts';
import { countPendingMessages } from '../sqlite/messages.ts';
import { findNeedByRef, listOpenNeeds } from '../sqlite/needs.ts';
import { findNewestEvent } from '../sqlite/steps.ts';
import { findTask } from '../sqlite/tasks.ts';
import { requireRepository } from '../tasks/require-repository.ts';
import { outcomesOf, pushWords, type ClaimedPush } from './claimed-pushes.ts';
import { missingStep } from './required-steps.ts';

type Fault = { reason: FailureReason; detail: string };

/**
 * Why the attempt has failed, although its worker says that it has not; null: nothing contradicts the worker.
 * `unpushed`: what it names as pushed and was not.
 */
export function faultOf(
  db: Db,
  { task_id, attempt }: { task_id: string; attempt: number },
  result: ResultPost,
  unpushed: ClaimedPush[],
): Fault | null {
  switch (result.status) {
    case 'succeeded':
      return (
        missingStep(db, task_id, attempt, result) ??
        agentError(missingPush(unpushed) ?? needlessHold(db, task_id, result) ?? lostChange(result))
      );
    case 'parked':
      if (mayPark(db, task_id, attempt)) return null;
      return agentError(`The worker ended to wait for an answer, but ${whyNot(db, task_id, attempt)}.`);
    case 'cancelled':
      if (findTask(db, task_id)?.cancel_reason !== null) return null;
      return agentError('The worker ended as after a cancel, but nobody has cancelled the errand.');
    case 'failed':
      return null;
  }
}

function agentError(detail: string | null): Fault | null {
  return detail === null ? null : { reason: 'agent_error', detail };
}

function missingPush([push]: ClaimedPush[]): string | null {
  if (!push) return null;
  const { commit, where } = pushWords(push);
  return `The worker reported the commit ${commit} as pushed${where}, but it never pushed it.`;
}

/** Nobody is asked to approve any of the commits, so they would stay in the workspace. */
function needlessHold(db: Db, task_id: string, result: ResultPost): string | null {
  const held = outcomesOf(result).flatMap(({ key, held_commit }) =>
    held_commit === undefined ? [] : [{ commit: held_commit, ...requireRepository(db, { task_id, key }) }],
  );
  const [first] = held;
  if (!first || held.some(({ task, commit, approved_commit }) => task.ask_before_push && commit !== approved_commit))
    return null;
  const why = first.task.ask_before_push ? 'it was approved' : "this errand's pushes need no approval";
  return `The worker held back the commit ${first.commit.slice(0, 12)}, but ${why}.`;
}

/** The commit that changes are compared with does not have them. */
function lostChange(result: ResultPost): string | null {
  const is_lost = outcomesOf(result).some(
    (outcome) => outcome.diff !== '' && !hasPushedWork(outcome) && outcome.held_commit === undefined,
  );
  return is_lost ? 'The worker reported changes, but no commit that has them.' : null;
}

/**
 * Whether the question that the attempt has asked is open. The answer may also have come while the worker was ending.
 * An open question of an earlier attempt does not count until it is asked again.
 */
function mayPark(db: Db, task_id: string, attempt: number): boolean {
  const ref = askedRef(db, task_id, attempt);
  if (ref === undefined) return false;
  const is_open = listOpenNeeds(db, task_id).some((need) => need.kind === 'question' && need.ref === ref);
  return is_open || countPendingMessages(db, task_id) > 0;
}

const Asked = z.object({ ref: z.string() });

/** The `ref` of the attempt's newest question: it has closed those before it. Undefined: it has not asked. */
function askedRef(db: Db, task_id: string, attempt: number): string | undefined {
  const asked = findNewestEvent(db, task_id, attempt, ['question.asked']);
  return asked && Asked.parse(JSON.parse(asked.body)).ref;
}

/** What became of the attempt's newest question. The same one again opens nothing, once it is answered. */
function whyNot(db: Db, task_id: string, attempt: number): string {
  const ref = askedRef(db, task_id, attempt);
  if (ref === undefined) return 'it has not asked';
  return findNeedByRef(db, task_id, 'question', ref)?.answer
    ? 'its question was answered already: it took the answer as a message'
    : 'it has closed its question';
}
