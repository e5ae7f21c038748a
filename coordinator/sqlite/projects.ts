import { z } from 'zod';
import type { ProjectRow } from '../domain/project.ts';
import { numberOf, sql, type Db } from './database.ts';

type Stored = Omit<
  ProjectRow,
  | 'allowed_hosts'
  | 'ask_before_push'
  | 'ask_at_budget'
  | 'mentions'
  | 'follow_up'
  | 'egress_hosts'
  | 'extra_models'
  | 'env'
  | 'has_git_token'
  | 'secret_names'
> & {
  egress_hosts: string;
  allowed_hosts: string;
  ask_before_push: number;
  ask_at_budget: number;
  mentions: number;
  follow_up: number;
  extra_models: string;
  env: string;
  has_git_token: number;
  env_names: string;
};

const Names = z.array(z.string());
const Variables = z.record(z.string(), z.string());

const fromStored = ({ env_names, ...row }: Stored): ProjectRow => ({
  ...row,
  env: Variables.parse(JSON.parse(row.env)),
  egress_hosts: Names.parse(JSON.parse(row.egress_hosts)),
  allowed_hosts: Names.parse(JSON.parse(row.allowed_hosts)),
  ask_before_push: row.ask_before_push === 1,
  ask_at_budget: row.ask_at_budget === 1,
  mentions: row.mentions === 1,
  follow_up: row.follow_up === 1,
  extra_models: Names.parse(JSON.parse(row.extra_models)),
  has_git_token: row.has_git_token === 1,
  secret_names: Names.parse(JSON.parse(env_names)),
});
const toStored = ({ secret_names, ...project }: ProjectRow): Stored => ({
  ...project,
  env: JSON.stringify(project.env),
  egress_hosts: JSON.stringify(project.egress_hosts),
  allowed_hosts: JSON.stringify(project.allowed_hosts),
  ask_before_push: project.ask_before_push ? 1 : 0,
  ask_at_budget: project.ask_at_budget ? 1 : 0,
  mentions: project.mentions ? 1 : 0,
  follow_up: project.follow_up ? 1 : 0,
  extra_models: JSON.stringify(project.extra_models),
  has_git_token: project.has_git_token ? 1 : 0,
  env_names: JSON.stringify(secret_names),
});

/** Adds a project. */
export function insertProject(db: Db, project: ProjectRow): void {
  sql(
    db,
    `INSERT INTO projects (id, user_id, name, repo_url, base_branch, setup_command, verify_command, instructions, image, model, effort, extra_models, max_tokens, budget_usd, max_turns,
       egress, egress_hosts, allowed_hosts, ask_before_push, pull_requests, pull_author, ask_at_budget, mentions, follow_up, env, secrets, has_git_token, env_names, created_at, updated_at)
     VALUES (:id, :user_id, :name, :repo_url, :base_branch, :setup_command, :verify_command, :instructions, :image, :model, :effort, :extra_models, :max_tokens, :budget_usd, :max_turns,
       :egress, :egress_hosts, :allowed_hosts, :ask_before_push, :pull_requests, :pull_author, :ask_at_budget, :mentions, :follow_up, :env, :secrets, :has_git_token, :env_names, :created_at, :updated_at)`,
  ).run(toStored(project));
}

/** Stores every field of a project that can change. Read the project in the same transaction. */
export function updateProject(db: Db, project: ProjectRow): void {
  sql(
    db,
    `UPDATE projects SET name = :name, repo_url = :repo_url, base_branch = :base_branch, setup_command = :setup_command,
       verify_command = :verify_command, instructions = :instructions, image = :image, model = :model, effort = :effort, extra_models = :extra_models, max_tokens = :max_tokens,
       budget_usd = :budget_usd, max_turns = :max_turns, egress = :egress, egress_hosts = :egress_hosts, allowed_hosts = :allowed_hosts,
       ask_before_push = :ask_before_push, pull_requests = :pull_requests, pull_author = :pull_author, ask_at_budget = :ask_at_budget, mentions = :mentions, follow_up = :follow_up, env = :env, secrets = :secrets, has_git_token = :has_git_token, env_names = :env_names,
       updated_at = :updated_at
     WHERE id = :id`,
  ).run(toStored(project));
}

/** The project, whoever owns it. In a person's request use `findProjectOf`. */
export function findProject(db: Db, id: string): ProjectRow | undefined {
  const row = sql<Stored>(db, 'SELECT * FROM projects WHERE id = ?').get(id);
  return row && fromStored(row);
}

/** The project, if it belongs to this user and is not being deleted. */
export function findProjectOf(db: Db, user_id: string, id: string): ProjectRow | undefined {
  const row = sql<Stored>(
    db,
    'SELECT * FROM projects WHERE id = ? AND user_id = ? AND id NOT IN (SELECT id FROM removed)',
  ).get(id, user_id);
  return row && fromStored(row);
}

/** The user's oldest project of a repository. The case and a final `.git` do not matter, as at forges. */
export function findProjectAt(db: Db, user_id: string, repo_url: string): ProjectRow | undefined {
  const plain = repo_url.replace(/\.git$/i, '');
  const row = sql<Stored>(
    db,
    `SELECT * FROM projects WHERE user_id = ? AND lower(repo_url) IN (lower(?), lower(?)) AND id NOT IN (SELECT id FROM removed)
     ORDER BY id LIMIT 1`,
  ).get(user_id, plain, `${plain}.git`);
  return row && fromStored(row);
}

/** The statement of `listProjects`; a test checks that it uses its index. */
export const LIST_PROJECTS = `SELECT * FROM projects INDEXED BY projects_by_user
   WHERE user_id = :user_id AND id < :before AND id NOT IN (SELECT id FROM removed) ORDER BY id DESC LIMIT :limit`;

/** A page of a user's projects with ids below `before`, newest first. */
export function listProjects(db: Db, user_id: string, before: string | undefined, limit: number): ProjectRow[] {
  return sql<Stored>(db, LIST_PROJECTS)
    .all({ user_id, before: before ?? '~', limit })
    .map(fromStored);
}

/** A user's projects that react to mentions, newest first. */
export function listProjectsWithMentions(db: Db, user_id: string): ProjectRow[] {
  return sql<Stored>(
    db,
    'SELECT * FROM projects WHERE user_id = ? AND mentions = 1 AND id NOT IN (SELECT id FROM removed) ORDER BY id DESC',
  )
    .all(user_id)
    .map(fromStored);
}

/** How many projects a user has, without those that are being deleted. */
export function countProjects(db: Db, user_id: string): number {
  const text = 'SELECT count(*) FROM projects WHERE user_id = ? AND id NOT IN (SELECT id FROM removed)';
  return numberOf(db, text, user_id);
}

/** Lets the tasks of a project reach one more host. False: it has as many as it may. */
export function allowHost(db: Db, project_id: string, host: string, hosts_max: number): boolean {
  const hosts = findProject(db, project_id)?.allowed_hosts ?? [];
  if (hosts.includes(host)) return true;
  if (hosts.length >= hosts_max) return false;
  const allowed = JSON.stringify([...hosts, host]);
  return sql(db, 'UPDATE projects SET allowed_hosts = ? WHERE id = ?').run(allowed, project_id).changes === 1;
}

/** The names of a user's projects. */
export function listProjectNames(db: Db, user_id: string): { id: string; name: string }[] {
  return sql<{ id: string; name: string }>(
    db,
    'SELECT id, name FROM projects WHERE user_id = ? AND id NOT IN (SELECT id FROM removed)',
  ).all(user_id);
}
