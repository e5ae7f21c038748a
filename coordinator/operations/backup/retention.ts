import { isInFuture, readName, type BackupName } from './name.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const DAYS_KEPT = 14;
const WEEKS_KEPT = 8;

/**
 * Returns the names of the backups to remove. It keeps
 * - the newest backup, and all of the last 24 hours,
 * - the last one of each of the last 14 days, and of each of the last 8 weeks. Only days and weeks with a backup count,
 *   so that a server that was off for a year does not remove all the old ones at once,
 * - those that are dated in the future, until then: if this machine's clock is slow, they may be the only good ones.
 *
 * Other names are ignored.
 */
export function toPrune(names: readonly string[], now_ms: number): string[] {
  const backups = names
    .flatMap((name) => readName(name) ?? [])
    .filter(({ at_ms }) => !isInFuture(at_ms, now_ms))
    .sort((a, b) => (a.name < b.name ? 1 : -1));
  const kept = new Set<BackupName>([
    ...backups.slice(0, 1),
    ...backups.filter(({ at_ms }) => now_ms - at_ms <= DAY_MS),
    ...newestOfEach(backups, DAYS_KEPT, ({ at_ms }) => Math.floor(at_ms / DAY_MS)),
    // Weeks begin on Monday (UTC). The first day of 1970 was a Thursday.
    ...newestOfEach(backups, WEEKS_KEPT, ({ at_ms }) => Math.floor((at_ms / DAY_MS + 3) / 7)),
  ]);
  return backups.filter((backup) => !kept.has(backup)).map(({ name }) => name);
}

/** The newest backup of each of the newest `count` periods. `backups` are newest first. */
function newestOfEach(backups: BackupName[], count: number, period: (backup: BackupName) => number): BackupName[] {
  const newest = new Map<number, BackupName>();
  for (const backup of backups) if (!newest.has(period(backup))) newest.set(period(backup), backup);
  return [...newest.values()].slice(0, count);
}
