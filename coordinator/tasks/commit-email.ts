import type { TaskRow } from '../domain/task.ts';
import type { Db } from '../sqlite/database.ts';
import { listForges } from '../sqlite/forges.ts';
import { listLinkedAccounts } from '../sqlite/linked-accounts.ts';
import { listTaskRepositories } from '../sqlite/task-repositories.ts';
import { findUser } from '../sqlite/users.ts';

/** What GitHub's ids and logins look like: others would make another address. */
const ID = /^\d+$/;
const LOGIN = /^[\w-]+$/;

/**
 * The e-mail address of the author of a task's commits. With a repository at GitHub it is the one that each account has there
 * for that, if the person has linked theirs: GitHub refuses pushes that publish an address which the person keeps private.
 * Elsewhere it is that of their account here: Gitea refuses none, and each server may have another form of such addresses.
 */
export function commitEmail(db: Db, { id, user_id, repo_url }: Pick<TaskRow, 'id' | 'user_id' | 'repo_url'>): string {
  const origins = [repo_url, ...listTaskRepositories(db, id).map((other) => other.repo_url)].map(
    (address) => URL.parse(address)?.origin,
  );
  const forge = listForges(db).find(({ kind, origin }) => kind === 'github' && origins.includes(origin));
  const account = forge && listLinkedAccounts(db, user_id).findLast(({ forge_id }) => forge_id === forge.id);
  if (forge && account && ID.test(account.subject) && LOGIN.test(account.login))
    return `${account.subject}+${account.login}@users.noreply.${new URL(forge.origin).hostname}`;
  return findUser(db, user_id)?.email ?? 'errand@localhost';
}
