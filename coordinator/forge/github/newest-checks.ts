import type { Check } from '../forge.ts';

/**
 * A check, and what tells which of several with its name are in force. `source`: the program or workflow it is of.
 * `run`: the run of that, in which several may have one name.
 */
export type SourcedCheck = { check: Check; source: string; run: string; started_at: string | null };

/**
 * The checks of the newest run of each name and source. GitHub lists older ones of the commit too, where an event such
 * as a new title has run a workflow again, and goes by them no longer.
 */
export function newestOf(checks: readonly SourcedCheck[]): Check[] {
  const same_name = Map.groupBy(checks, ({ source, check }) => `${source} ${check.name}`);
  return [...same_name.values()].flatMap((all) => {
    const newest = all.reduce((one, other) => (isNewer(other, one) ? other : one));
    return all.filter(({ run }) => run === newest.run).map(({ check }) => check);
  });
}

function isNewer(one: SourcedCheck, other: SourcedCheck): boolean {
  const [start, other_start] = [startOf(one), startOf(other)];
  const ids_decide = start === other_start || start === undefined || other_start === undefined;
  return ids_decide ? Number(one.check.id) > Number(other.check.id) : start > other_start;
}

/** One that has not begun yet is newer than all that have. Of one that has ended it may not be known. */
function startOf({ started_at, check }: SourcedCheck): number | undefined {
  if (started_at !== null) return Date.parse(started_at);
  return check.state === 'running' ? Infinity : undefined;
}
