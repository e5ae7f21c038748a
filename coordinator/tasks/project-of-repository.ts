import type { Keys } from '../base/keys.ts';
import type { ProjectRow } from '../domain/project.ts';
import type { Tx } from '../sqlite/event-log.ts';
import { findProjectAt, listProjectNames } from '../sqlite/projects.ts';
import { createProject, foldName } from './project-commands.ts';

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
  const taken = new Set(listProjectNames(tx.db, user_id).map(({ name }) => foldName(name)));
  const path = new URL(repo_url).pathname.split('/').map(readable).filter(Boolean);
  const nameOf = (parts: number) => cut(path.slice(-parts).join('/') || repo_url);
  const [short, long] = [nameOf(1), nameOf(2)];
  const free = [short, long].find((name) => !taken.has(foldName(name)));
  if (free !== undefined) return free;
  for (let n = 2; ; n++) if (!taken.has(foldName(`${long} ${n}`))) return `${long} ${n}`;
}

/** A part of a path as a person writes it. What is no text, such as `%zz`, stays as it is. */
function readable(part: string): string {
  return decoded(part)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Half of a surrogate pair is no character. */
function cut(name: string): string {
  return name
    .slice(0, NAME_CHARS_MAX)
    .replace(/[\uD800-\uDBFF]$/, '')
    .trim();
}
