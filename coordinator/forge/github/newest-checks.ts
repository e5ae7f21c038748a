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
    const newest = newestIn(all);
    return all.filter(({ run }) => run === newest?.run).map(({ check }) => check);
  });
}

/** The one that began last, or has the highest id where not all say when they began. */
function newestIn(all: readonly SourcedCheck[]): SourcedCheck | undefined {
  const have_starts = all.every((one) => startOf(one) !== undefined);
  const startIn = (one: SourcedCheck) => (have_starts ? startOf(one) : undefined) ?? 0;
  return all
    .toSorted((one, other) => {
      const [start, other_start] = [startIn(one), startIn(other)];
      return start === other_start ? Number(one.check.id) - Number(other.check.id) : start - other_start;
    })
    .at(-1);
}

/** One that has not begun yet is newer than all that have. Of one that has ended it may not be known. */
function startOf({ started_at, check }: SourcedCheck): number | undefined {
  if (started_at !== null) return Date.parse(started_at);
  return check.state === 'running' ? Infinity : undefined;
}
