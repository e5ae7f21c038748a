const NAME = /^errand-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z-([0-9a-f]{12})\.db\.gz$/;

/** What two machines' clocks may be apart, and more. */
const GRACE_MS = 24 * 60 * 60 * 1000;

/** What a backup's name says of it. */
export type Named = {
  name: string;
  /** Of which moment it is: milliseconds since 1970. */
  at_ms: number;
  /** How the SHA-256 of the file begins: twelve hexadecimal digits. */
  checksum: string;
};

/** The name of a backup: names sort by time, to the millisecond, and bear the beginning of the file's SHA-256 (hexadecimal). */
export function nameOf(at: Date, sha256: string): string {
  const time = at.toISOString().replace(/[-:.]/g, '');
  return `errand-${time}-${sha256.slice(0, 12)}.db.gz`;
}

/** Undefined: this is not the name of a backup. */
export function readName(name: string): Named | undefined {
  const [, year, month, day, hour, minute, second, milliseconds, checksum = ''] = NAME.exec(name) ?? [];
  const at_ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${milliseconds}Z`);
  return Number.isNaN(at_ms) ? undefined : { name, at_ms, checksum };
}

/** Whether a backup is of a time to come: a clock ran ahead when it was made, or is behind now. Such a one is not taken for the newest. */
export function isAhead(at_ms: number, now_ms: number): boolean {
  return at_ms > now_ms + GRACE_MS;
}
