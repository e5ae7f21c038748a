import type { PullRow } from '../../domain/pull.ts';
import type { Db } from '../../sqlite/database.ts';
import { listPullsAt } from '../../sqlite/pulls.ts';
import type { ForgeEvent } from '../forge.ts';

/**
 * The open pull requests that a check is about: those of its commit, and of its branch. A forge may name another branch
 * that has the commit too.
 */
export function pullsOfCheck(
  db: Db,
  forge_id: string,
  { repository, branch, commit }: Extract<ForgeEvent, { type: 'check' }>,
): PullRow[] {
  return listPullsAt(db, forge_id, repository.id).filter(
    ({ head_branch, head_commit }) => head_branch === branch || head_commit === commit,
  );
}
