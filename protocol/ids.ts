import { z } from 'zod';

export { idAfter, newId, randomCharacters } from './new-id.ts';

/**
 * The id of a task, project, user or message: 20 characters of lower-case base 32 (Crockford's alphabet). The first
 * ten are the time in milliseconds, the others are random. Ids sort by creation time, and are safe in paths, branch
 * names and container names.
 */
export const Id = z.string().regex(/^[0-9a-hjkmnp-tv-z]{20}$/, 'is not an id: 20 characters of lower-case base 32');
export type Id = z.infer<typeof Id>;

/** A point in time: ISO 8601 in UTC, such as `2026-01-31T12:00:00.000Z`. */
export const Time = z.iso.datetime({ message: 'is not a time: ISO 8601 in UTC' }).max(40);
