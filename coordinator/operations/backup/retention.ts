import { isAhead, readName, type Named } from './name.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const DAYS_KEPT = 14;
const WEEKS_KEPT = 8;

/**
 * Which backups may go: what stays is all of the last 24 hours, the last one of each of the last 14 days, and of each of the last 8 weeks, and in
 * any case the newest. Only days and weeks that have a backup count, so that a server that was off for a year, or one that was begun anew
 * beside old backups, does not throw those away at once. What is of a time to come stays until then, and counts for nothing: it may be the only good
 * one where this machine's clock is behind. Names that are not those of backups are passed over.
 */
export function toPrune(names: readonly string[], now_ms: number): string[] {
  const backups = names
    .flatMap((name) => readName(name) ?? [])
    .filter(({ at_ms }) => !isAhead(at_ms, now_ms))
    .sort((a, b) => (a.name < b.name ? 1 : -1));
  const kept = new Set<Named>([
    ...backups.slice(0, 1),
    ...backups.filter(({ at_ms }) => now_ms - at_ms <= DAY_MS),
    ...newestOfEach(backups, DAYS_KEPT, ({ at_ms }) => Math.floor(at_ms / DAY_MS)),
    // The first day of 1970 was a Thursday; weeks begin on Mondays, in UTC.
    ...newestOfEach(backups, WEEKS_KEPT, ({ at_ms }) => Math.floor((at_ms / DAY_MS + 3) / 7)),
  ]);
  return backups.filter((backup) => !kept.has(backup)).map(({ name }) => name);
}

/** The newest backup of each of the newest `count` periods. `backups` are newest first. */
function newestOfEach(backups: Named[], count: number, period: (backup: Named) => number): Named[] {
  const newest = new Map<number, Named>();
  for (const backup of backups) if (!newest.has(period(backup))) newest.set(period(backup), backup);
  return [...newest.values()].slice(0, count);
}
