import Database from 'better-sqlite3';
import { BUSY_MS, type Db } from './database.ts';
import { migrate } from './migrate.ts';
import { CHECKPOINT_FRAMES, WAL_BYTES } from './wal-room.ts';

/**
 * Opens the database at `path` for one writer and upgrades it to the newest schema. It runs in WAL mode with
 * `synchronous=FULL`, so that a commit survives a power failure. Throws what `migrate` throws; `openFault` classifies
 * an error of SQLite.
 */
export function openDatabase(path: string): Db {
  const db = new Database(path, { timeout: BUSY_MS });
  try {
    db.pragma('journal_mode = WAL');
    // This driver opens a WAL database with NORMAL. FULL costs little, since commits are grouped.
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    db.pragma(`wal_autocheckpoint = ${CHECKPOINT_FRAMES}`);
    db.pragma(`journal_size_limit = ${WAL_BYTES}`);
    if (db.pragma('synchronous', { simple: true }) !== 2) throw new Error('SQLite does not run with synchronous=FULL');
    migrate(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
