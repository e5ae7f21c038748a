import type { WorkInput } from '../base/work.ts';

/** The folders of the task's repositories, the first one first. */
export function repositoryDirs({ repo_dir, others }: Pick<WorkInput, 'repo_dir' | 'others'>): string[] {
  return [repo_dir, ...others.map(({ dir }) => dir)];
}
