import { z } from 'zod';

/**
 * The identity of a task, project, user or message: 20 characters of lower-case base 32 (Crockford's alphabet), ten for the time in
 * milliseconds and ten drawn at random. Ids sort by the time they were made, and are safe in a path, a branch name and a container name.
 */
export const Id = z.string().regex(/^[0-9a-hjkmnp-tv-z]{20}$/, 'is not an id: 20 characters of lower-case base 32');
export type Id = z.infer<typeof Id>;

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** A new id. `now` is in milliseconds since 1970, as `Date.now()` gives it. */
export function newId(now: number = Date.now()): Id {
  let time = '';
  for (let rest = now, i = 0; i < 10; i++) {
    time = ALPHABET.charAt(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  return time + randomCharacters(10);
}

/** Random characters of the ids' alphabet, 5 bits each. They are safe in a path, a host name and a container name. */
export function randomCharacters(count: number): string {
  let text = '';
  for (const byte of crypto.getRandomValues(new Uint8Array(count))) text += ALPHABET.charAt(byte % 32);
  return text;
}

/** A moment: ISO 8601 in UTC, with milliseconds. */
export const Time = z.iso.datetime({ message: 'is not a time: ISO 8601 in UTC' });
