import type { ForgeKind } from '../../protocol/forges.ts';
import { sql, type Db } from './database.ts';

/** A forge that this server knows, and the app that it was registered as there by a person. Times are ISO. */
export type ForgeRow = {
  id: string;
  kind: ForgeKind;
  /** Such as `https://github.com`. */
  origin: string;
  /** Null, like the fields of the app: none was registered, or the settings have it. */
  client_id: string | null;
  app_id: string | null;
  app_slug: string | null;
  /** Sealed JSON. */
  secrets: string;
  created_at: string;
};

/** Adds a forge. One origin has one forge. */
export function insertForge(db: Db, forge: ForgeRow): void {
  sql(
    db,
    `INSERT INTO forges (id, kind, origin, client_id, app_id, app_slug, secrets, created_at)
     VALUES (:id, :kind, :origin, :client_id, :app_id, :app_slug, :secrets, :created_at)`,
  ).run(forge);
}

/** All forges, the oldest first. */
export function listForges(db: Db): ForgeRow[] {
  return sql<ForgeRow>(db, 'SELECT * FROM forges ORDER BY id').all();
}

/** Stores or, with nulls, forgets the app that the server is registered as. */
export function putForgeApp(db: Db, app: Pick<ForgeRow, 'id' | 'client_id' | 'app_id' | 'app_slug' | 'secrets'>): void {
  sql(
    db,
    'UPDATE forges SET client_id = :client_id, app_id = :app_id, app_slug = :app_slug, secrets = :secrets WHERE id = :id',
  ).run(app);
}
