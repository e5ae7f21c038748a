import type { RemoteRefs } from './remote-refs.ts';

/** The same name without slashes, for a repository where another branch is in the way. */
export const flatName = (branch: string) => branch.replaceAll('/', '-');

/**
 * The branch to push to: the newest that this task has pushed already, else its own name; without slashes where another
 * branch is in the way. Git stores branches as files, so `errand` and `errand/x` cannot both exist.
 */
export function choosePushBranch({ branches }: Pick<RemoteRefs, 'branches'>, { branch }: { branch: string }): string {
  const names = [...branches.keys()];
  const pushed = names.filter((name) => numberOf(name, branch) !== null);
  const newest = pushed.sort((a, b) => (numberOf(b, branch) ?? 0) - (numberOf(a, branch) ?? 0))[0];
  if (newest !== undefined) return newest;
  const is_in_the_way = names.some((name) => branch.startsWith(`${name}/`) || name.startsWith(`${branch}/`));
  return is_in_the_way ? flatName(branch) : branch;
}

/** The number at the end of a branch of this task; 0 without one; null if it is not one of the task's. */
function numberOf(name: string, branch: string): number | null {
  const base = [branch, flatName(branch)].find((base) => name === base || name.startsWith(`${base}-`));
  const rest = base === undefined ? 'x' : name.slice(base.length);
  return /^(-\d{1,4})?$/.test(rest) ? Math.abs(Number(rest)) : null;
}

/** The next name beside a branch that may not be replaced and that is not taken. */
export function nextName({ branches }: Pick<RemoteRefs, 'branches'>, branch: string): string {
  for (let n = 1; ; n++) if (!branches.has(`${branch}-${n}`)) return `${branch}-${n}`;
}
