import { randomBytes } from 'node:crypto';

const BYTES = 6;

/** A name for a file that is to take the place of another. */
export const temporaryName = (): string => `.errand-${randomBytes(BYTES).toString('hex')}`;

/** The pattern by which git ignores such files. */
export const TEMPORARY_PATTERN = `.errand-${'[0-9a-f]'.repeat(2 * BYTES)}`;

/** Whether a file has such a name: a worker was killed before it was renamed. */
export const isTemporary = (name: string): boolean => /^\.errand-[0-9a-f]{12}$/.test(name);
