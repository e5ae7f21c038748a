import type { Check } from '../forge.ts';

/** A check, and what tells which of several with its name is in force. `source`: the program or workflow it is of. */
export type SourcedCheck = { check: Check; source: string; started_at: string | null };

/**
 * The newest check of each name and source. GitHub lists older ones of the commit too, where an event such as a new
 * title has run a workflow again, and goes by them no longer.
 */
export function newestOf(checks: readonly SourcedCheck[]): Check[] {
  const newest = new Map<string, SourcedCheck>();
  for (const one of checks) {
    const key = `${one.source} ${one.check.name}`;
    const other = newest.get(key);
    if (other === undefined || isNewer(one, other)) newest.set(key, one);
  }
  return [...newest.values()].map(({ check }) => check);
}

function isNewer(one: SourcedCheck, other: SourcedCheck): boolean {
  const [start, other_start] = [startOf(one), startOf(other)];
  return start === other_start ? Number(one.check.id) > Number(other.check.id) : start > other_start;
}

/** One that has not begun yet is newer than all that have. */
function startOf({ started_at }: SourcedCheck): number {
  return started_at === null ? Infinity : Date.parse(started_at);
}
