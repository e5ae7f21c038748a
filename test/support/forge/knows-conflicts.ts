import type { PullPart } from './world.ts';

const asked = new WeakMap<PullPart, string>();

/** Forges find out whether a pull request can be merged after they were asked, anew for each pair of commits. */
export function knowsConflicts(pull: PullPart): boolean {
  const commits = `${pull.base_commit} ${pull.head_commit}`;
  const known = asked.get(pull) === commits;
  asked.set(pull, commits);
  return known;
}
