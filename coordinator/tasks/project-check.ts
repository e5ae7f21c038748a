import type { ProjectCreate, ProjectPatch } from '../../protocol/api.ts';
import type { Keys } from '../base/keys.ts';
import type { RepositoryCheck } from '../domain/forge-repository.ts';
import type { Db } from '../sqlite/database.ts';
import { gitCredential, type LinkedCredentials, type ServerToken } from './forge-credential.ts';
import { patchedSecrets, requireProject } from './project-commands.ts';
import type { ProjectSecrets } from './secrets.ts';

type ProjectCheckDependencies = {
  db: Db;
  keys: Keys;
  config: ServerToken;
  linked: LinkedCredentials;
  repositories: RepositoryCheck;
};

/**
 * Checks the repository of a project before the project is stored, unless `check` is false. Resolves to warnings; see
 * `RepositoryCheck`.
 */
export class ProjectCheck {
  readonly #deps: ProjectCheckDependencies;

  constructor(dependencies: ProjectCheckDependencies) {
    this.#deps = dependencies;
  }

  async beforeCreate(user_id: string, input: ProjectCreate): Promise<string[]> {
    if (input.check === false) return [];
    const { git_token = null, git_username = null } = input;
    return this.#ask(user_id, input.repo_url, { git_token, git_username });
  }

  /** Checks only if the patch sets another address or credential. Removing a token always works. */
  async beforePatch(user_id: string, project_id: string, patch: ProjectPatch): Promise<string[]> {
    const { db, keys } = this.#deps;
    const project = requireProject(db, user_id, project_id);
    const { repo_url = project.repo_url, git_token, git_username } = patch;
    const changes = repo_url !== project.repo_url || typeof git_token === 'string' || typeof git_username === 'string';
    if (patch.check === false || !changes) return [];
    return this.#ask(user_id, repo_url, patchedSecrets(keys, project, patch));
  }

  async #ask(
    user_id: string,
    repo_url: string,
    secrets: Pick<ProjectSecrets, 'git_token' | 'git_username'>,
  ): Promise<string[]> {
    const credential = await gitCredential(this.#deps, user_id, repo_url, secrets);
    return this.#deps.repositories.check(user_id, { repo_url, credential });
  }
}
