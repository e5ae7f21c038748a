import { sql, type Db } from './database.ts';

/** A repository of which somebody wants to hear, and with whose access it can be read. */
export type HeardRepository = { user_id: string; project_id: string | null; repo_url: string };

/**
 * The repositories of projects that heed mentions or follow up on pull requests, and those of their open pull requests,
 * which may be others. One that several projects have is there for each.
 */
export function listHeardRepositories(db: Db): HeardRepository[] {
  return sql<HeardRepository>(
    db,
    `WITH heard AS (
       SELECT projects.* FROM projects JOIN users ON users.id = user_id
       WHERE (mentions = 1 OR follow_up = 1) AND blocked_at IS NULL AND projects.id NOT IN (SELECT id FROM removed)
     )
     SELECT user_id, id AS project_id, repo_url FROM heard
     UNION SELECT heard.user_id, project_id, pulls.repo_url FROM pulls
       JOIN tasks ON tasks.id = pulls.task_id JOIN heard ON heard.id = project_id
     WHERE pulls.state = 'open' AND follow_up = 1`,
  ).all();
}

/** Until when repositories were heard, as ISO times of their forges. */
export function listHeardTo(db: Db): Map<string, string> {
  type Row = { repository: string; heard_to: string };
  const rows = sql<Row>(db, 'SELECT repository, heard_to FROM heard_repositories').all();
  return new Map(rows.map(({ repository, heard_to }) => [repository, heard_to]));
}

/** Notes until when a repository was heard. */
export function putHeardTo(db: Db, repository: string, heard_to: string): void {
  sql(
    db,
    `INSERT INTO heard_repositories (repository, heard_to) VALUES (:repository, :heard_to)
     ON CONFLICT (repository) DO UPDATE SET heard_to = excluded.heard_to`,
  ).run({ repository, heard_to });
}

/** Forgets a repository of which nobody wants to hear any more. */
export function forgetHeardTo(db: Db, repository: string): void {
  sql(db, 'DELETE FROM heard_repositories WHERE repository = ?').run(repository);
}
