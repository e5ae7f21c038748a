import type { DiffStat } from '../../../protocol/change.ts';
import type { Task } from '../../../protocol/task.ts';
import { repositoryName } from './words.ts';

/** The size of all that an errand changed, in all its repositories; undefined: it has no result. */
export function changesOf({ result, repositories = [] }: Task): DiffStat | undefined {
  if (!result) return undefined;
  const all = [result, ...repositories.slice(1)].flatMap(({ diff_stat }) => diff_stat ?? []);
  const sum = (key: keyof DiffStat) => all.reduce((total, stat) => total + stat[key], 0);
  return { files: sum('files'), insertions: sum('insertions'), deletions: sum('deletions') };
}

/** The name of an errand's first repository, and how many others it has. */
export function whereWords({ repo_url, repositories = [] }: Task): string {
  const name = repositoryName(repo_url);
  return repositories.length > 1 ? `${name} +${repositories.length - 1}` : name;
}
