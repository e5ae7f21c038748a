import type { ProjectCreate, ProjectPatch } from '../../protocol/api.ts';
import { newId } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError, wrongField } from '../../protocol/problem.ts';
import { looksSecret } from '../../protocol/secrets/secret-looks.ts';
import { VARIABLES_MAX, type VariableChanges, type Variables } from '../../protocol/variables.ts';
import type { Keys } from '../base/keys.ts';
import { present } from '../base/present.ts';
import type { Tx } from '../sqlite/event-log.ts';
import type { ProjectRow } from '../domain/project.ts';
import { openSecrets, sameOrigin, sealSecrets, SecretsUnreadable, type ProjectSecrets } from './secrets.ts';
import type { Db } from '../sqlite/database.ts';
import { countProjects, findProjectOf, insertProject, listProjectNames, updateProject } from '../sqlite/projects.ts';
import { markRemoved, markTasksOfProject } from '../sqlite/removed.ts';
import { isProjectAtWork } from '../sqlite/tasks.ts';

/* What a person can do to a project, each in the caller's transaction. */

/** Makes a project. */
export function createProject(tx: Tx, keys: Keys, user_id: string, input: ProjectCreate): ProjectRow {
  if (countProjects(tx.db, user_id) >= LIMITS.projects_per_user_max)
    throw new ErrandError('conflict', `You have ${LIMITS.projects_per_user_max} projects: delete one first.`);
  requireFreeName(tx, user_id, input.name);
  const id = newId();
  const at = new Date().toISOString();
  const { git_token = null, git_username = null, secrets = {}, check: _check, ...fields } = input;
  const env = fields.env ?? {};
  checkVariables(env, secrets);
  const project: ProjectRow = {
    id,
    user_id,
    name: fields.name,
    repo_url: fields.repo_url,
    base_branch: fields.base_branch ?? null,
    setup_command: fields.setup_command ?? null,
    verify_command: fields.verify_command ?? null,
    instructions: fields.instructions || null,
    image: fields.image ?? null,
    model: fields.model ?? null,
    effort: fields.effort ?? null,
    extra_models: fields.extra_models ?? [],
    max_tokens: fields.max_tokens ?? null,
    budget_usd: fields.budget_usd ?? null,
    max_turns: fields.max_turns ?? null,
    egress: fields.egress ?? 'registries',
    egress_hosts: fields.egress_hosts ?? [],
    allowed_hosts: fields.allowed_hosts ?? [],
    ask_before_push: fields.ask_before_push ?? false,
    pull_requests: fields.pull_requests ?? 'none',
    pull_author: fields.pull_author ?? 'app',
    ask_at_budget: fields.ask_at_budget ?? false,
    mentions: fields.mentions ?? false,
    follow_up: fields.follow_up ?? false,
    env,
    ...sealSecrets(keys, id, { git_token, git_username, env: secrets }),
    created_at: at,
    updated_at: at,
  };
  insertProject(tx.db, project);
  return project;
}

/**
 * Changes the fields of the patch. A repository at another origin drops the credential, unless the patch has a new
 * token.
 */
export function patchProject(tx: Tx, keys: Keys, user_id: string, project_id: string, patch: ProjectPatch): ProjectRow {
  const project = requireProject(tx.db, user_id, project_id);
  const { git_token: _token, git_username: _username, secrets: _secrets, check: _check, env, ...fields } = patch;
  if (fields.name !== undefined && fields.name !== project.name) requireFreeName(tx, user_id, fields.name, project_id);
  const secrets = patchedSecrets(keys, project, patch);
  const next: ProjectRow = {
    ...project,
    ...present(fields),
    instructions: (fields.instructions === undefined ? project.instructions : fields.instructions) || null,
    env: changedVariables(project.env, env),
    ...sealSecrets(keys, project_id, secrets),
    updated_at: new Date().toISOString(),
  };
  if (env !== undefined || patch.secrets !== undefined) checkVariables(next.env, secrets.env);
  updateProject(tx.db, next);
  return next;
}

/** A project's secrets as the patch leaves them. */
export function patchedSecrets(
  keys: Keys,
  project: ProjectRow,
  patch: Pick<ProjectPatch, 'repo_url' | 'git_token' | 'git_username' | 'secrets'>,
): ProjectSecrets {
  const { repo_url, git_token, git_username, secrets } = patch;
  const moved = repo_url !== undefined && !sameOrigin(repo_url, project.repo_url);
  const before = previousSecrets(keys, project, patch);
  return {
    git_token: git_token === undefined ? (moved ? null : before.git_token) : git_token,
    git_username: git_username === undefined ? (moved ? null : before.git_username) : git_username,
    env: changedVariables(before.env, secrets),
  };
}

/** The secrets that a patch changes. If they cannot be opened, a patch that names each of them is not refused. */
function previousSecrets(
  keys: Keys,
  project: ProjectRow,
  { git_token, secrets = {} }: Pick<ProjectPatch, 'git_token' | 'secrets'>,
): ProjectSecrets {
  try {
    return openSecrets(keys, project);
  } catch (error) {
    const has_token = git_token !== undefined || !project.has_git_token;
    const names_all = has_token && project.secret_names.every((name) => Object.hasOwn(secrets, name));
    if (!(error instanceof SecretsUnreadable) || !names_all) throw error;
    return { git_token: null, git_username: null, env: {} };
  }
}

/** The variables as the changes leave them. */
function changedVariables(before: Variables, changes: VariableChanges = {}): Variables {
  return Object.fromEntries(
    Object.entries({ ...before, ...changes }).filter((entry): entry is [string, string] => entry[1] !== null),
  );
}

/** Throws `invalid` for more variables than a project may have, and a plain one that is secret too, or looks it. */
function checkVariables(env: Variables, secrets: Variables): void {
  requireRoom('env', env);
  requireRoom('secrets', secrets);
  const errors = Object.entries(env).flatMap(([name, value]) => {
    const field = `/env/${name}`;
    if (Object.hasOwn(secrets, name)) return [{ field, message: 'is a secret variable too: give it once' }];
    return looksSecret(name, value) ? [{ field, message: 'looks like a secret: put it into secrets' }] : [];
  });
  const [first] = errors;
  if (first) throw new ErrandError('invalid', `The variable ${first.field.slice(5)} ${first.message}.`, { errors });
}

/** What many patches add up to has the bounds of a single one. */
function requireRoom(kind: 'env' | 'secrets', variables: Variables): void {
  const pairs = Object.entries(variables);
  const bytes = pairs.reduce((sum, pair) => sum + Buffer.byteLength(pair.join('')), 0);
  const bytes_max = LIMITS.request_body_bytes_max;
  if (pairs.length <= VARIABLES_MAX && bytes <= bytes_max) return;
  const most = pairs.length > VARIABLES_MAX ? `${VARIABLES_MAX} entries` : `${bytes_max / 1024} kB`;
  const message = `would have more than ${most}: remove some`;
  throw new ErrandError('invalid', `The field ${kind} ${message}.`, { errors: [{ field: `/${kind}`, message }] });
}

/**
 * Deletes a project with its secrets, its tasks and their logs. Throws `conflict` while one of the tasks is queued or
 * runs.
 */
export function removeProject(tx: Tx, user_id: string, project_id: string): void {
  requireProject(tx.db, user_id, project_id);
  if (isProjectAtWork(tx.db, user_id, project_id))
    throw new ErrandError('conflict', 'A task of this project waits or is at work: cancel it first.');
  markTasksOfProject(tx.db, project_id);
  markRemoved(tx.db, 'project', project_id);
  tx.announce('removed');
}

/**
 * Throws `conflict` if another project of this user has the name; case does not matter. The transaction checks this
 * and not an index, because SQLite folds only ASCII and a project that is being deleted keeps its row for a while.
 * Duplicates in old databases stay until one of them is renamed.
 */
function requireFreeName(tx: Tx, user_id: string, name: string, own_id?: string): void {
  const folded = foldName(name);
  if (!listProjectNames(tx.db, user_id).some((other) => other.id !== own_id && foldName(other.name) === folded)) return;
  throw new ErrandError('conflict', `You have a project with the name '${name}' already: choose another name.`, {
    errors: [wrongField('/name', 'is the name of another project of yours', { reason: 'name_taken' })],
  });
}

/** Two names that are equal when folded are one name. */
export const foldName = (name: string): string => name.normalize('NFC').toLowerCase();

/** The project if it is this user's; else throws `not_found`. */
export function requireProject(db: Db, user_id: string, project_id: string): ProjectRow {
  const project = findProjectOf(db, user_id, project_id);
  if (!project) throw new ErrandError('not_found', 'There is no such project.');
  return project;
}
