/** A time as the database and the API write it. `ms`: milliseconds since 1970. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
