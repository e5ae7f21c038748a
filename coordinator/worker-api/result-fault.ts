import { z } from 'zod';
import type { FailureReason } from '../../protocol/task.ts';
import type { ResultPost } from '../../protocol/worker-schemas.ts';
import type { Db } from '../sqlite/database.ts';
import { countPendingMessages } from '../sqlite/messages.ts';
import { findNeedByRef, listOpenNeeds } from '../sqlite/needs.ts';
import { findNewestEvent } from '../sqlite/steps.ts';
import type { ClaimedPush } from './claimed-pushes.ts';
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
  const { status } = result;
  if (status === 'succeeded') return missingStep(db, task_id, attempt, result) ?? missingPush(unpushed);
  if (status !== 'parked' || mayPark(db, task_id, attempt)) return null;
  const detail = `The worker ended to wait for an answer, but ${whyNot(db, task_id, attempt)}.`;
  return { reason: 'agent_error', detail };
}

function missingPush([push]: ClaimedPush[]): Fault | null {
  if (!push) return null;
  const { key, branch, commit } = push;
  const where = `${branch === null ? '' : ` to ${branch}`}${key === null ? '' : ` in ${key}`}`;
  const detail = `The worker reported the commit ${commit.slice(0, 12)} as pushed${where}, but it never pushed it.`;
  return { reason: 'agent_error', detail };
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
