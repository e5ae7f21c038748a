import type { NeedOption } from '../../protocol/needs.ts';
import type { RepositoryResult } from '../../protocol/repositories.ts';
import { BUDGET_USD_MAX, type DiffStat, type FailureReason } from '../../protocol/task.ts';
import type { NeedAsk } from '../domain/need.ts';
import type { TaskRow } from '../domain/task.ts';
import type { Db } from '../sqlite/database.ts';
import { findProject } from '../sqlite/projects.ts';
import { listTaskRepositories } from '../sqlite/task-repositories.ts';
import { budgetMax, type BudgetBound } from './budget-bound.ts';

/** What may be added to a budget that is spent, in US dollars, by the value of its option. */
export const BUDGET_STEPS: ReadonlyMap<string, number> = new Map([2, 5].map((usd) => [`add_${usd}`, usd]));

const END_HERE: NeedOption = { value: 'end', label: 'End here' };
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
  /** The same in its further repositories. */
  repositories?: Pick<RepositoryResult, 'key' | 'held_commit' | 'diff_stat'>[] | undefined;
};

/** What the person is asked at the end of an attempt, so that the task does not end. Undefined: nothing. */
export function askAtEnd(db: Db, bound: BudgetBound, task: TaskRow, ended: Ended): NeedAsk | undefined {
  return askForPush(db, task, ended) ?? askForBudget(db, bound, task, ended);
}

/** The budget of a task with so many US dollars more than it had or has spent. */
export function raisedBudget({ budget_usd, usage }: Pick<TaskRow, 'budget_usd' | 'usage'>, more_usd: number): number {
  return Math.max(budget_usd, usage.cost_usd) + more_usd;
}

/** Says who can raise a budget that is spent, where its person may not; an empty text where that is not the case. */
export function boundNote(db: Db, bound: BudgetBound, task: TaskRow, { reason }: Pick<Ended, 'reason'>): string {
  const max = budgetMax(db, bound, task.user_id);
  if (reason !== 'budget_exhausted' || max >= BUDGET_USD_MAX || budgetOptions(task, max).length > 0) return '';
  return ` You may give an errand at most $${max} on this server: its owner can raise that.`;
}

/**
 * Work that is done, but not pushed because nobody has approved it: one question for all repositories. A worker that
 * does not know of approvals tries to push, and fails.
 */
function askForPush(db: Db, task: TaskRow, ended: Ended): NeedAsk | undefined {
  if (!task.ask_before_push) return undefined;
  const commit = heldCommit(task, ended, ended.held_commit);
  const repositories = listTaskRepositories(db, task.id).flatMap((row) => {
    const done = ended.repositories?.find(({ key }) => key === row.key);
    const held = heldCommit(row, ended, done?.held_commit);
    return held === undefined || !done ? [] : [{ key: row.key, commit: held, diff_stat: done.diff_stat }];
  });
  const sizes = [...(commit === undefined ? [] : [ended]), ...repositories].map(({ diff_stat }) => diff_stat);
  if (sizes.length === 0) return undefined;
  const others = repositories.map((each) => `${each.key}=${each.commit}`);
  return {
    kind: 'push',
    ref: [...(commit === undefined ? [] : [commit]), ...others].join(' '),
    question: 'The work is done. May it be pushed?',
    options: PUSH_OPTIONS,
    takes_text: true,
    ...(commit !== undefined && { commit }),
    diff_stat: sizes.reduce(add),
    ...(repositories.length > 0 && { repositories }),
  };
}

/** The commit of a repository that waits for approval; undefined: there is none. `reported`: by its worker. */
function heldCommit(
  { approved_commit, held_commit }: Pick<TaskRow, 'approved_commit' | 'held_commit'>,
  { status, reason }: Ended,
  reported: string | undefined,
): string | undefined {
  const has_failed = status === 'failed' && (reason === 'push_rejected' || reason === 'push_failed');
  const commit = status === 'succeeded' ? reported : has_failed ? held_commit : undefined;
  return commit === approved_commit ? undefined : (commit ?? undefined);
}

function add(a: DiffStat, b: DiffStat): DiffStat {
  return {
    files: a.files + b.files,
    insertions: a.insertions + b.insertions,
    deletions: a.deletions + b.deletions,
  };
}

/**
 * The budget is spent, the project asks for more then, and its person may give more. A cap of the person or the server
 * is another reason.
 */
function askForBudget(db: Db, bound: BudgetBound, task: TaskRow, { status, reason }: Ended): NeedAsk | undefined {
  if (status !== 'failed' || reason !== 'budget_exhausted' || task.project_id === null) return undefined;
  if (findProject(db, task.project_id)?.ask_at_budget !== true) return undefined;
  const options = budgetOptions(task, budgetMax(db, bound, task.user_id));
  if (options.length === 0) return undefined;
  const question = `The budget of $${task.budget_usd} is spent. Shall it go on?`;
  return { kind: 'budget', ref: String(task.attempt), question, options: [...options, END_HERE] };
}

/** What may be added to the budget of a task, so that it is at most `max_usd`. */
function budgetOptions(task: TaskRow, max_usd: number): NeedOption[] {
  return [...BUDGET_STEPS]
    .filter(([, usd]) => raisedBudget(task, usd) <= max_usd)
    .map(([value, usd]) => ({ value, label: `+$${usd}, go on` }));
}
