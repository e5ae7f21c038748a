import { ErrandError } from '../../protocol/problem.ts';
import type { Db } from '../sqlite/database.ts';
import { findTaskAtBranch } from '../sqlite/tasks.ts';

/**
 * Throws `conflict`, naming the field, while another task works on the branch that a person names: the two would only get
 * in each other's way.
 */
export function requireFreeBranch(
  db: Db,
  user_id: string,
  { repo_url, work_branch }: { repo_url: string; work_branch: string | null },
  field = '/work_branch',
): void {
  if (work_branch === null) return;
  const other = findTaskAtBranch(db, repo_url, work_branch);
  if (!other) return;
  const whose = other.user_id === user_id ? 'An errand of yours' : "Somebody else's errand";
  const advice = other.user_id === user_id ? 'send it a message' : 'wait until it has ended';
  const text = `${whose} works on the branch ${work_branch} now: ${advice}, or name another branch.`;
  throw new ErrandError('conflict', text, { errors: [{ field, message: 'has an errand that works on it' }] });
}
