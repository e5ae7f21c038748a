import type { NeedOption } from '../../protocol/needs.ts';
import type { RepositoryResult } from '../../protocol/repositories.ts';
import type { DiffStat, FailureReason } from '../../protocol/task.ts';
import type { NeedAsk } from '../domain/need.ts';
import type { TaskRow } from '../domain/task.ts';
import type { Db } from '../sqlite/database.ts';
import { findProject } from '../sqlite/projects.ts';
import { listTaskRepositories } from '../sqlite/task-repositories.ts';

/** What may be added to a budget that is spent, in US dollars, by the value of its option. */
export const BUDGET_STEPS: ReadonlyMap<string, number> = new Map([2, 5].map((usd) => [`add_${usd}`, usd]));

const BUDGET_OPTIONS: NeedOption[] = [
  ...[...BUDGET_STEPS].map(([value, usd]) => ({ value, label: `+$${usd}, go on` })),
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
  /** The same in its further repositories. */
  repositories?: Pick<RepositoryResult, 'key' | 'held_commit' | 'diff_stat'>[] | undefined;
};

/** What the person is asked at the end of an attempt, so that the task does not end. Undefined: nothing. */
export function askAtEnd(db: Db, task: TaskRow, ended: Ended): NeedAsk | undefined {
  return askForPush(db, task, ended) ?? askForBudget(db, task, ended);
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

/** The budget is spent, and the project asks for more then. A cap of the person or the server is another reason. */
function askForBudget(db: Db, task: TaskRow, { status, reason }: Ended): NeedAsk | undefined {
  if (status !== 'failed' || reason !== 'budget_exhausted' || task.project_id === null) return undefined;
  if (findProject(db, task.project_id)?.ask_at_budget !== true) return undefined;
  const question = `The budget of $${task.budget_usd} is spent. Shall it go on?`;
  return { kind: 'budget', ref: String(task.attempt), question, options: BUDGET_OPTIONS };
}
