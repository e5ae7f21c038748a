import type { NeedOption } from '../../protocol/needs.ts';
import type { DiffStat, FailureReason } from '../../protocol/task.ts';
import type { NeedAsk } from '../domain/need.ts';
import type { TaskRow } from '../domain/task.ts';
import type { Db } from '../sqlite/database.ts';
import { findProject } from '../sqlite/projects.ts';

/** What may be added to a budget that is spent, in US dollars, by the value of its option. */
export const BUDGET_STEPS: Readonly<Record<string, number>> = { add_2: 2, add_5: 5 };

const BUDGET_OPTIONS: NeedOption[] = [
  { value: 'add_2', label: '+$2, go on' },
  { value: 'add_5', label: '+$5, go on' },
  { value: 'end', label: 'End here' },
];
const PUSH_OPTIONS: NeedOption[] = [
  { value: 'approve', label: 'Push it' },
  { value: 'send_back', label: 'Send it back' },
];

/** How an attempt ended, by its worker. `held_commit`: what it did not push because that needs approval. */
type Ended = {
  status: 'succeeded' | 'failed' | 'cancelled' | 'parked';
  reason: FailureReason | null;
  held_commit?: string | undefined;
  diff_stat: DiffStat;
};

/** What the person is asked at the end of an attempt, so that the task does not end. Undefined: nothing. */
export function askAtEnd(db: Db, task: TaskRow, ended: Ended): NeedAsk | undefined {
  return askForPush(task, ended) ?? askForBudget(db, task, ended);
}

/**
 * Work that is done, but not pushed because nobody has approved it. A worker that does not know of approvals tries to push,
 * and fails.
 */
function askForPush(task: TaskRow, { status, reason, held_commit, diff_stat }: Ended): NeedAsk | undefined {
  if (!task.ask_before_push) return undefined;
  const has_failed = status === 'failed' && (reason === 'push_rejected' || reason === 'push_failed');
  const commit = status === 'succeeded' ? held_commit : has_failed ? (task.held_commit ?? undefined) : undefined;
  if (commit === undefined || commit === task.approved_commit) return undefined;
  const question = 'The work is done. May it be pushed?';
  return { kind: 'push', ref: commit, question, options: PUSH_OPTIONS, takes_text: true, commit, diff_stat };
}

/** The budget is spent, and the project asks for more then. A cap of the person or the server is another reason. */
function askForBudget(db: Db, task: TaskRow, { status, reason }: Ended): NeedAsk | undefined {
  if (status !== 'failed' || reason !== 'budget_exhausted' || task.project_id === null) return undefined;
  if (findProject(db, task.project_id)?.ask_at_budget !== true) return undefined;
  const question = `The budget of $${task.budget_usd} is spent. Shall it go on?`;
  return { kind: 'budget', ref: String(task.attempt), question, options: BUDGET_OPTIONS };
}
