import { sql, type Db } from './database.ts';

/** A repository whose events Errand reads, and the person and project whose access shows it. */
export type HeardRepository = { user_id: string; project_id: string | null; repo_url: string };

/**
 * The repositories of projects that react to mentions or follow up on pull requests, and those of their open pull
 * requests, which may be others. A repository of several projects is listed once for each.
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

/** Up to when the events of each repository were read, as ISO times of its forge. */
export function listHeardTo(db: Db): Map<string, string> {
  type Row = { repository: string; heard_to: string };
  const rows = sql<Row>(db, 'SELECT repository, heard_to FROM heard_repositories').all();
  return new Map(rows.map(({ repository, heard_to }) => [repository, heard_to]));
}

/** Stores up to when the events of a repository were read. */
export function putHeardTo(db: Db, repository: string, heard_to: string): void {
  sql(
    db,
    `INSERT INTO heard_repositories (repository, heard_to) VALUES (:repository, :heard_to)
     ON CONFLICT (repository) DO UPDATE SET heard_to = excluded.heard_to`,
  ).run({ repository, heard_to });
}

/** Forgets a repository whose events nobody needs any more. */
export function forgetHeardTo(db: Db, repository: string): void {
  sql(db, 'DELETE FROM heard_repositories WHERE repository = ?').run(repository);
}
