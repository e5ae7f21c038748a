import { ErrandError } from '../../protocol/problem.ts';
import type { EgressPolicy } from '../domain/egress-policy.ts';
import type { ModelRules } from '../domain/model-rules.ts';
import type { ForgeRepository } from '../domain/forge-repository.ts';
import type { ProjectRow } from '../domain/project.ts';
import type { WorkerSettings } from './assignment.ts';
import { commitEmail } from './commit-email.ts';
import { gitCredential, type LinkedCredentials, type ServerToken } from './forge-credential.ts';
import type { Keys } from '../base/keys.ts';
import { requireRepository } from './require-repository.ts';
import { readTaskSecrets } from './secrets.ts';
import { findAttempt } from '../sqlite/attempts.ts';
import type { Db } from '../sqlite/database.ts';
import { listAllowedHosts } from '../sqlite/needs.ts';
import { findProject } from '../sqlite/projects.ts';
import { findTask } from '../sqlite/tasks.ts';
import type { AttemptRow, TaskRow } from '../domain/task.ts';
import type { RepositoryOfTask } from '../domain/task-repository.ts';

/** For tasks without a project: package installs work, nothing else. */
const EGRESS_DEFAULT: EgressPolicy = { egress: 'registries', egress_hosts: [] };

type TaskSettingsDependencies = { db: Db; keys: Keys; config: ServerToken; linked: LinkedCredentials };

/** The commands that a new attempt of the task has to run, and the name of its image. */
export function attemptSettings(db: Db, task: TaskRow): Pick<AttemptRow, 'setup_command' | 'verify_command' | 'image'> {
  const project = task.project_id === null ? undefined : findProject(db, task.project_id);
  const { setup_command = null, verify_command = null, image = null } = project ?? {};
  return { setup_command, verify_command, image };
}

/** Reads a task's settings from its project's current row, or from the server's defaults if it has no project. */
export class TaskSettings {
  readonly #deps: TaskSettingsDependencies;

  constructor(deps: TaskSettingsDependencies) {
    this.#deps = deps;
  }

  /** For the assignment. */
  forWorker(task: TaskRow): WorkerSettings {
    const project = this.#projectOf(task);
    const { env: secrets } = readTaskSecrets(this.#deps.db, this.#deps.keys, task);
    return {
      env: { ...project?.env, ...secrets },
      secrets: Object.keys(secrets),
      egress: project?.egress ?? EGRESS_DEFAULT.egress,
      author: { name: 'Errand', email: commitEmail(this.#deps, task) },
      ...(project?.instructions && { instructions: project.instructions }),
    };
  }

  /**
   * For the git proxy: a repository with its own credential. Rejects with `not_found` if there is no such one, or as
   * `LinkedCredentials` does.
   */
  async repository(where: RepositoryOfTask): Promise<ForgeRepository> {
    const { db, keys } = this.#deps;
    const { task, repo_url, project_id } = requireRepository(db, where);
    const secrets = readTaskSecrets(db, keys, { repo_url, project_id });
    const credential = await gitCredential(this.#deps, task.user_id, repo_url, secrets);
    return { repo_url, credential };
  }

  /** For the model proxy. Throws if there is no such task. */
  models(task_id: string): ModelRules {
    const { db } = this.#deps;
    const task = findTask(db, task_id);
    if (!task) throw new ErrandError('not_found', 'There is no such task.');
    const { extra_models = [], max_tokens = null } = this.#projectOf(task) ?? {};
    // A worker goes on with its first model until it takes the message that names another one.
    const begun_with = findAttempt(db, task_id, task.attempt)?.model ?? [];
    return { models: [task.model, ...extra_models].concat(begun_with), max_tokens };
  }

  /** For the forward proxy. */
  egress(task_id: string): EgressPolicy {
    const { db } = this.#deps;
    const project = this.#projectOf(findTask(db, task_id));
    const { egress, egress_hosts, allowed_hosts = [] } = project ?? EGRESS_DEFAULT;
    return { egress, egress_hosts, allowed_hosts: [...allowed_hosts, ...listAllowedHosts(db, task_id)] };
  }

  #projectOf(task: TaskRow | undefined): ProjectRow | undefined {
    return task?.project_id ? findProject(this.#deps.db, task.project_id) : undefined;
  }
}
