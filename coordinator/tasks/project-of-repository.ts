import type { Keys } from '../base/keys.ts';
import type { ProjectRow } from '../domain/project.ts';
import type { Tx } from '../sqlite/event-log.ts';
import { findProjectAt, listProjectNames } from '../sqlite/projects.ts';
import { createProject } from './project-commands.ts';

const NAME_CHARS_MAX = 80;

/**
 * The person's project of a repository, in the caller's transaction; it is made if there is none. Throws `conflict` if
 * they have too many projects.
 */
export function projectOfRepository(
  tx: Tx,
  keys: Keys,
  user_id: string,
  repo_url: string,
): { project: ProjectRow; made: boolean } {
  const known = findProjectAt(tx.db, user_id, repo_url);
  if (known) return { project: known, made: false };
  const name = freeName(tx, user_id, repo_url);
  return { project: createProject(tx, keys, user_id, { name, repo_url }), made: true };
}

/** `shop`, else `ann/shop`, else `ann/shop 2` and so on: the first that no other project has. */
function freeName(tx: Tx, user_id: string, repo_url: string): string {
  const taken = new Set(listProjectNames(tx.db, user_id).map(({ name }) => name.toLowerCase()));
  const path = decodeURIComponent(new URL(repo_url).pathname).split('/').filter(Boolean);
  const [short, long] = [path.at(-1) ?? repo_url, path.slice(-2).join('/')].map((name) =>
    name.slice(0, NAME_CHARS_MAX),
  );
  const free = [short, long].find((name) => name !== undefined && !taken.has(name.toLowerCase()));
  if (free !== undefined) return free;
  for (let n = 2; ; n++) if (!taken.has(`${long} ${n}`.toLowerCase())) return `${long} ${n}`;
}
