import { z } from 'zod';
import type { FailureReason } from '../../protocol/task.ts';
import type { ResultPost } from '../../protocol/worker-schemas.ts';
import type { Db } from '../sqlite/database.ts';
import { countPendingMessages } from '../sqlite/messages.ts';
import { findNeedByRef, listOpenNeeds } from '../sqlite/needs.ts';
import { findNewestEvent } from '../sqlite/steps.ts';
import { missingStep } from './required-steps.ts';

type Fault = { reason: FailureReason; detail: string };

/** Why the attempt has failed, although its worker says that it has not; null: nothing contradicts the worker. */
export function faultOf(db: Db, task_id: string, attempt: number, { status }: ResultPost): Fault | null {
  if (status === 'succeeded') return missingStep(db, task_id, attempt);
  if (status !== 'parked' || mayPark(db, task_id)) return null;
  const detail = `The worker ended to wait for an answer, but ${whyNot(db, task_id, attempt)}.`;
  return { reason: 'agent_error', detail };
}

/** Whether a question is open. The answer may also have come while the worker was ending. */
function mayPark(db: Db, task_id: string): boolean {
  return listOpenNeeds(db, task_id).some(({ kind }) => kind === 'question') || countPendingMessages(db, task_id) > 0;
}

const Asked = z.object({ ref: z.string() });

/** What became of the attempt's newest question. The same one again opens nothing, once it is answered. */
function whyNot(db: Db, task_id: string, attempt: number): string {
  const asked = findNewestEvent(db, task_id, attempt, ['question.asked']);
  if (asked === undefined) return 'it has not asked';
  const { ref } = Asked.parse(JSON.parse(asked.body));
  return findNeedByRef(db, task_id, 'question', ref)?.answer
    ? 'its question was answered already: it took the answer as a message'
    : 'it has closed its question';
}
