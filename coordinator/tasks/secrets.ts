import { z } from 'zod';
import { ErrandError } from '../../protocol/problem.ts';
import type { Keys } from '../base/keys.ts';
import { seal, unseal } from '../base/seal.ts';
import type { ProjectRow } from '../domain/project.ts';
import type { Db } from '../sqlite/database.ts';
import { findProject } from '../sqlite/projects.ts';

/** A project's secrets were sealed with another key than the server's: its `keys.json` was lost or replaced. */
export class SecretsUnreadable extends ErrandError {
  constructor(cause: unknown) {
    const message =
      "The project's git_token and secrets cannot be opened: they were sealed with another keys.json than the server has. Set or remove each of them.";
    super('conflict', message, { cause });
  }
}

/** What a project keeps secret: the credential of its repository, and secret variables for the commands (`env`). */
export type ProjectSecrets = { git_token: string | null; git_username: string | null; env: Record<string, string> };

const Sealed: z.ZodType<ProjectSecrets> = z.object({
  git_token: z.string().nullable(),
  git_username: z.string().nullable(),
  env: z.record(z.string(), z.string()),
});

const NONE: ProjectSecrets = { git_token: null, git_username: null, env: {} };
const context = (project_id: string): string => `project:${project_id}`;

/** The columns in which a project keeps its secrets: sealed, and what may be said of them. */
export function sealSecrets(
  keys: Keys,
  project_id: string,
  secrets: ProjectSecrets,
): Pick<ProjectRow, 'secrets' | 'has_git_token' | 'secret_names'> {
  const secret_names = Object.keys(secrets.env).sort();
  const empty = secrets.git_token === null && secrets.git_username === null && secret_names.length === 0;
  return {
    secrets: empty ? null : seal(keys, JSON.stringify(secrets), context(project_id)),
    has_git_token: secrets.git_token !== null,
    secret_names,
  };
}

/** Opens a project's secrets. Throws `SecretsUnreadable` if they were sealed with another key than the server's. */
export function openSecrets(keys: Keys, project: Pick<ProjectRow, 'id' | 'secrets'>): ProjectSecrets {
  if (project.secrets === null) return NONE;
  try {
    return Sealed.parse(JSON.parse(unseal(keys, project.secrets, context(project.id))));
  } catch (cause) {
    throw new SecretsUnreadable(cause);
  }
}

/**
 * The secrets for a task. The project may have moved since the task was created: a task whose repository has another
 * origin (scheme, host, port) gets no token, so that no token goes to a host that it was not given for.
 */
export function readTaskSecrets(
  db: Db,
  keys: Keys,
  task: { project_id: string | null; repo_url: string },
): ProjectSecrets {
  const project = task.project_id === null ? undefined : findProject(db, task.project_id);
  if (!project) return NONE;
  const secrets = openSecrets(keys, project);
  return sameOrigin(project.repo_url, task.repo_url) ? secrets : { ...NONE, env: secrets.env };
}

/** Whether two repositories are at the same scheme, host and port. */
export function sameOrigin(a: string, b: string): boolean {
  const [one, other] = [new URL(a), new URL(b)];
  return one.protocol === other.protocol && one.host === other.host;
}
