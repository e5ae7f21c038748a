import { z } from 'zod';

/**
 * The id of a task, project, user or message: 20 characters of lower-case base 32 (Crockford's alphabet). The first
 * ten are the time in milliseconds, the others are random. Ids sort by creation time, and are safe in paths, branch
 * names and container names.
 */
export const Id = z.string().regex(/^[0-9a-hjkmnp-tv-z]{20}$/, 'is not an id: 20 characters of lower-case base 32');
export type Id = z.infer<typeof Id>;

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** Makes a new id. `now`: milliseconds since 1970. */
export function newId(now: number = Date.now()): Id {
  let time = '';
  for (let rest = now, i = 0; i < 10; i++) {
    time = ALPHABET.charAt(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  return time + randomCharacters(10);
}

/**
 * Returns random characters of the alphabet of ids, 5 bits each. They are safe in paths, host names and container
 * names.
 */
export function randomCharacters(count: number): string {
  let text = '';
  for (const byte of crypto.getRandomValues(new Uint8Array(count))) text += ALPHABET.charAt(byte % 32);
  return text;
}

/** A point in time: ISO 8601 in UTC, such as `2026-01-31T12:00:00.000Z`. */
export const Time = z.iso.datetime({ message: 'is not a time: ISO 8601 in UTC' });
