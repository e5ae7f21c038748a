import { z } from 'zod';
import { countRows, openCopy } from '../../sqlite/copy.ts';
import type { Db } from '../../sqlite/database.ts';
import { newestStoredEventId } from '../../sqlite/events.ts';
import { findAnyDamage } from '../../sqlite/integrity.ts';
import { findDescription, putDescription, readMeta } from '../../sqlite/meta.ts';
import { newestVersion, versionOf } from '../../sqlite/migrations.ts';
import { BackupError } from './error.ts';

const Description = z.object({
  /** When the copy was made. */
  at: z.iso.datetime(),
  schema_version: z.number().int(),
  /** The history of which it is a copy. */
  epoch: z.string(),
  newest_event_id: z.number().int(),
  /** How many rows each table has. */
  counts: z.record(z.string(), z.number().int()),
  /** Names the keys that its secrets are sealed with; the keys themselves are not in a backup. */
  keys: z.string().nullable(),
});

/** What a backup says of itself, in its `meta` table: so one file is the whole backup. */
export type Description = z.infer<typeof Description>;

/** Checks a fresh copy of the database, and describes it in itself. Throws a `BackupError` where the copy is damaged. */
export function describe(path: string, { at, keys }: Pick<Description, 'at' | 'keys'>): Description {
  const db = openCopy(path);
  try {
    const damage = findAnyDamage(db);
    if (damage !== null) throw new BackupError(`The database is damaged: ${damage}.`);
    const description = descriptionOf(db, { at, keys });
    putDescription(db, JSON.stringify(description));
    return description;
  } finally {
    db.close();
  }
}

/**
 * Holds a backup's database against what it says of itself. Throws a `BackupError` where it does not fit, is damaged, or newer than this code.
 * `plain_at`: it is no backup but a database of Errand as it was then, and need say nothing of itself.
 */
export function verify(path: string, plain_at?: string): Description {
  const db = openCopy(path);
  try {
    const version = versionOf(db);
    if (version > newestVersion())
      throw new BackupError(
        `The backup is of version ${version}, newer than this Errand, which knows ${newestVersion()}. Restore it with the newer one.`,
      );
    if (version < 1) throw new BackupError('The file is not a database of Errand.');
    const damage = findAnyDamage(db);
    if (damage !== null) throw new BackupError(`The backup is damaged: ${damage}.`);
    const own = findDescription(db);
    if (own === undefined && plain_at !== undefined) return descriptionOf(db, { at: plain_at, keys: null });
    const description = Description.safeParse(JSON.parse(own ?? 'null'));
    if (!description.success) throw new BackupError('The file is not a backup of Errand: it does not describe itself.');
    const { newest_event_id, counts, schema_version } = description.data;
    const found = JSON.stringify([countRows(db), newestStoredEventId(db), version]);
    if (found !== JSON.stringify([counts, newest_event_id, schema_version]))
      throw new BackupError('The backup is damaged: it does not hold as many rows as it says.');
    return description.data;
  } finally {
    db.close();
  }
}

function descriptionOf(db: Db, { at, keys }: Pick<Description, 'at' | 'keys'>): Description {
  return {
    at,
    schema_version: versionOf(db),
    epoch: readMeta(db, 'epoch'),
    newest_event_id: newestStoredEventId(db),
    counts: countRows(db),
    keys,
  };
}
