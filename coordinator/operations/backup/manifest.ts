import { z } from 'zod';
import { countRows, openCopy } from '../../sqlite/copy.ts';
import type { Db } from '../../sqlite/database.ts';
import { newestStoredEventId } from '../../sqlite/events.ts';
import { findAnyDamage } from '../../sqlite/integrity.ts';
import { readManifest, readMeta, writeManifest } from '../../sqlite/meta.ts';
import { newestVersion, versionOf } from '../../sqlite/migrations.ts';
import { BackupError, BadBackup } from './error.ts';

const Manifest = z.object({
  /** When the copy was made. */
  at: z.iso.datetime(),
  schema_version: z.number().int(),
  /** The epoch of the database that was copied. */
  epoch: z.string(),
  newest_event_id: z.number().int(),
  /** The number of rows of each table. */
  counts: z.record(z.string(), z.number().int()),
  /** A fingerprint of the keys that the secrets are sealed with. The keys themselves are not in a backup. */
  keys: z.string().nullable(),
});

/** What a backup should contain. It is stored in the backup's own `meta` table: one file is the whole backup. */
export type Manifest = z.infer<typeof Manifest>;

/** Checks a fresh copy of the database and writes a manifest into it. Throws a `BackupError` if it is damaged. */
export function addManifest(path: string, { at, keys }: Pick<Manifest, 'at' | 'keys'>): void {
  const db = openCopy(path);
  try {
    const damage = findAnyDamage(db);
    if (damage !== null) throw new BackupError(`The database is damaged: ${damage}.`);
    writeManifest(db, JSON.stringify(manifestOf(db, { at, keys })));
  } finally {
    db.close();
  }
}

/**
 * Compares the database of a backup with its manifest, and returns that. Throws a `BackupError` if they differ, or if
 * the database is damaged or newer than this code.
 *
 * `plain_at`: the file is a plain copy of a database, last written at this ISO time, and needs no manifest.
 */
export function verifyBackup(path: string, plain_at?: string): Manifest {
  const db = openCopy(path);
  try {
    const version = versionOf(db);
    if (version > newestVersion())
      throw new BadBackup(
        `The backup is of version ${version}, newer than this Errand, which knows ${newestVersion()}. ` +
          'Restore it with the newer one.',
      );
    if (version < 1) throw new BadBackup('The file is not a database of Errand.');
    const damage = findAnyDamage(db);
    if (damage !== null) throw new BadBackup(`The backup is damaged: ${damage}.`);
    const stored = readManifest(db);
    if (stored === undefined && plain_at !== undefined) return manifestOf(db, { at: plain_at, keys: null });
    const manifest = Manifest.safeParse(JSON.parse(stored ?? 'null'));
    if (!manifest.success) throw new BadBackup('The file is not a backup of Errand: it has no manifest.');
    const { newest_event_id, counts, schema_version } = manifest.data;
    const found = JSON.stringify([countRows(db), newestStoredEventId(db), version]);
    if (found !== JSON.stringify([counts, newest_event_id, schema_version]))
      throw new BadBackup('The backup is damaged: its rows are not those of its manifest.');
    return manifest.data;
  } finally {
    db.close();
  }
}

function manifestOf(db: Db, { at, keys }: Pick<Manifest, 'at' | 'keys'>): Manifest {
  return {
    at,
    schema_version: versionOf(db),
    epoch: readMeta(db, 'epoch'),
    newest_event_id: newestStoredEventId(db),
    counts: countRows(db),
    keys,
  };
}
