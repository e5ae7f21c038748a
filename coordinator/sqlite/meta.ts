import { sql, type Db } from './database.ts';

/* The `meta` table: single values of the whole database. */

/**
 * A value that every database has:
 * - `epoch` names the history of the log. A restore draws another one, so that clients drop their cursors.
 * - `history` is in the tokens of workers. A restore draws another one, so that workers of before are refused.
 * - `instance` names this server on the labels of its containers and in people's tokens.
 */
export function readMeta(db: Db, key: 'epoch' | 'history' | 'instance'): string {
  const value = findMeta(db, key);
  if (value === undefined) throw new Error(`The database has no ${key}.`);
  return value;
}

/** Throws SQLite's error if the database cannot be read. */
export function checkReadable(db: Db): void {
  readMeta(db, 'instance');
}

/** The last ISO time at which the server trusted its clock. Undefined: none was stored yet. */
export function findSeenAt(db: Db): string | undefined {
  return findMeta(db, 'seen_at');
}

/** Stores what `findSeenAt` returns. */
export function putSeenAt(db: Db, at: string): void {
  putMeta(db, 'seen_at', at);
}

/** The settings of the last start (JSON text). Undefined: none were stored yet. */
export function findSettings(db: Db): string | undefined {
  return findMeta(db, 'settings');
}

/** Stores what `findSettings` returns. */
export function putSettings(db: Db, settings: string): void {
  putMeta(db, 'settings', settings);
}

/** The sealed key pair for Web Push. Undefined: none was made yet. */
export function findPushKeys(db: Db): string | undefined {
  return findMeta(db, 'push_keys');
}

/** Stores what `findPushKeys` returns. */
export function putPushKeys(db: Db, sealed: string): void {
  putMeta(db, 'push_keys', sealed);
}

/** The manifest (JSON text) of a backup. Undefined: this is not a backup. */
export function readManifest(db: Db): string | undefined {
  return findMeta(db, 'backup');
}

/** `manifest` is JSON text. */
export function writeManifest(db: Db, manifest: string): void {
  putMeta(db, 'backup', manifest);
}

function findMeta(db: Db, key: string): string | undefined {
  return sql<{ value: string }>(db, 'SELECT value FROM meta WHERE key = ?').get(key)?.value;
}

function putMeta(db: Db, key: string, value: string): void {
  sql(db, 'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value').run(
    key,
    value,
  );
}
