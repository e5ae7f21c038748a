import type { TaskRow } from '../domain/task.ts';
import type { Db } from '../sqlite/database.ts';
import { listTaskRepositories } from '../sqlite/task-repositories.ts';
import { findUser } from '../sqlite/users.ts';
import type { LinkedCredentials } from './forge-credential.ts';

/**
 * The e-mail address of the author of a task's commits: the one that the person's linked account has for that at the
 * forge of a repository, else that of their account here.
 */
export function commitEmail(
  { db, linked }: { db: Db; linked: LinkedCredentials },
  { id, user_id, repo_url }: Pick<TaskRow, 'id' | 'user_id' | 'repo_url'>,
): string {
  for (const address of [repo_url, ...listTaskRepositories(db, id).map((other) => other.repo_url)]) {
    const email = linked.commitEmail(user_id, address);
    if (email !== undefined) return email;
  }
  return findUser(db, user_id)?.email ?? 'errand@localhost';
}
