import type { MergeMethod } from '../../../protocol/pulls.ts';
import { git } from '../git-server.ts';
import { inClone } from './in-clone.ts';
import type { PullIssue, Repository, World } from './world.ts';

/** Merges the head of a pull request into its base; returns the new commit of the base. */
export async function mergeWithGit(
  world: World,
  repository: Repository,
  { pull, number }: PullIssue,
  how: MergeMethod,
): Promise<string> {
  const { head, base } = await world.freshPull(repository, pull);
  const from = `origin/${head}`;
  const message = ['--quiet', '--message', `Merge #${number}`];
  return inClone(world, repository, base, async (folder) => {
    switch (how) {
      case 'merge':
      case 'rebase-merge':
        await git(folder, 'merge', '--no-ff', ...message, from);
        break;
      case 'squash':
        await git(folder, 'merge', '--quiet', '--squash', from);
        await git(folder, 'commit', ...message);
        break;
      case 'rebase':
        await git(folder, 'cherry-pick', '--allow-empty', `HEAD..${from}`);
        break;
      case 'fast-forward-only':
        await git(folder, 'merge', '--quiet', '--ff-only', from);
    }
    await git(folder, 'push', '--quiet', 'origin', `HEAD:${base}`);
  });
}
