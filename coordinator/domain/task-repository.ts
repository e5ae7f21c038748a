import { RepositoryKey, WORKSPACE_FOLDERS, type TaskRepository } from '../../protocol/repositories.ts';
import type { TaskResult } from '../../protocol/task.ts';
import { repositoryIdentity } from '../../protocol/repository-identity.ts';
import { plainLetters } from './plain-letters.ts';
import type { TaskRow } from './task.ts';

/** Names a repository of a task. `key` null: the first one. */
export type RepositoryOfTask = { task_id: string; key: string | null };

/** What a worker did in a repository. */
export type RepositoryOutcome = Omit<TaskResult, 'summary'>;

/** Whether a branch has pushed work. Where all of it was taken back, the branch is at its base again. */
export function hasPushedWork({ commit, base_commit }: Pick<RepositoryOutcome, 'commit' | 'base_commit'>): boolean {
  return commit !== null && commit !== base_commit;
}

/**
 * A repository of a task beside its first one, as stored. The fields mean what those of the task mean for the first.
 */
export type TaskRepositoryRow = Pick<
  TaskRow,
  'repo_url' | 'project_id' | 'base_branch' | 'work_branch' | 'pushed_branch' | 'approved_commit' | 'held_commit'
> & {
  task_id: string;
  /** Their order, from 1. */
  n: number;
  key: string;
  result: RepositoryOutcome | null;
};

/** Characters of a key before the number that tells it from another. */
const KEY_CHARS_MAX = 40;

/**
 * A key for each repository, in their order: its name, with `-2` and so on where another has it, or where a workspace
 * has such a folder already.
 */
export function repositoryKeys(repo_urls: readonly string[]): string[] {
  const taken = new Set(WORKSPACE_FOLDERS);
  return repo_urls.map((repo_url) => {
    const name = nameOf(repo_url);
    let key = name;
    for (let n = 2; taken.has(key); n++) key = `${name}-${n}`;
    taken.add(key);
    return RepositoryKey.parse(key);
  });
}

/** The key of the first repository of a task. */
export function firstKey({ repo_url }: Pick<TaskRow, 'repo_url'>): string {
  return repositoryKeys([repo_url])[0] ?? '';
}

function nameOf(repo_url: string): string {
  const last = repositoryIdentity(repo_url).split('/').at(-1) ?? '';
  const plain = plainLetters(last)
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '')
    .slice(0, KEY_CHARS_MAX)
    .replace(/[._-]+$/, '');
  return plain === '' ? 'repository' : plain;
}

/** All repositories of a task as clients see them, the first one first; undefined: it has no others. */
export function repositoriesView(task: TaskRow, others: readonly TaskRepositoryRow[]): TaskRepository[] | undefined {
  if (others.length === 0) return undefined;
  return [{ ...task, key: firstKey(task) }, ...others].map(viewOf);
}

function viewOf(row: Omit<TaskRepositoryRow, 'task_id' | 'n'>): TaskRepository {
  const { key, repo_url, project_id, base_branch, work_branch, pushed_branch, result } = row;
  const { branch = null, commit = null, base_commit = null, diff_stat = null } = result ?? {};
  const shared = { key, repo_url, project_id, base_branch, work_branch };
  return { ...shared, branch: branch ?? pushed_branch, commit, base_commit, diff_stat };
}
