import type { Task } from '../../../../protocol/task.ts';
import { isEnded, openNeeds } from '../../../../protocol/without-schemas.ts';

/** The groups of the inbox. */
export type Groups = { needs: Task[]; work: Task[]; done: Task[]; archived: Task[] };

/** Puts each errand into its group. Within one the newest comes first; of the ended ones, the one that ended last. */
export function groupTasks(tasks: readonly Task[]): Groups {
  const groups: Groups = { needs: [], work: [], done: [], archived: [] };
  for (const task of tasks) groups[groupOf(task)].push(task);
  groups.done.sort((a, b) => ((a.ended_at ?? '') < (b.ended_at ?? '') ? 1 : -1));
  return groups;
}

/** Whether an errand asks for a decision. A blocked host of one that has ended can wait. */
export function needsPerson(task: Task): boolean {
  const { status } = task;
  return status === 'waiting' || status === 'parked' || (!isEnded(status) && openNeeds(task).length > 0);
}

/** An errand needs its person while it asks; a budget that is spent is a question too. */
function groupOf(task: Task): keyof Groups {
  const { status, reason } = task;
  if (task.archived === true) return 'archived';
  if (needsPerson(task)) return 'needs';
  if (!isEnded(status)) return 'work';
  return status === 'failed' && reason === 'budget_exhausted' ? 'needs' : 'done';
}

/** Whether all words of a query are somewhere in an errand. */
export function matches({ title, prompt, repo_url, branch, result }: Task, query: string): boolean {
  const text = [title, prompt, repo_url, branch, result?.summary].join('\n').toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
