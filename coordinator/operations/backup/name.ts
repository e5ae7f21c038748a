const NAME = /^errand-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z-([0-9a-f]{12})\.db\.gz$/;

/** The clocks of two machines differ by less than this. */
const CLOCK_SKEW_MS = 24 * 60 * 60 * 1000;

/** What the name of a backup says. */
export type BackupName = {
  name: string;
  /** When the backup was taken, in milliseconds since 1970. */
  at_ms: number;
  /** The first twelve hexadecimal digits of the file's SHA-256. */
  checksum: string;
};

/** Names a backup by its time and its SHA-256 (hexadecimal). Names sort by time, to the millisecond. */
export function nameOf(at: Date, sha256: string): string {
  const time = at.toISOString().replace(/[-:.]/g, '');
  return `errand-${time}-${sha256.slice(0, 12)}.db.gz`;
}

/** Undefined: this is not the name of a backup. */
export function readName(name: string): BackupName | undefined {
  const [, year, month, day, hour, minute, second, milliseconds, checksum = ''] = NAME.exec(name) ?? [];
  const at_ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${milliseconds}Z`);
  return Number.isNaN(at_ms) ? undefined : { name, at_ms, checksum };
}

/**
 * Whether a backup is dated in the future: a clock was fast when it was made, or is slow now. It then does not count
 * as the newest.
 */
export function isInFuture(at_ms: number, now_ms: number): boolean {
  return at_ms > now_ms + CLOCK_SKEW_MS;
}
