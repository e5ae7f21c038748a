import type { ProjectCreate, ProjectPatch } from '../../protocol/api.ts';
import type { ProjectWarning } from '../../protocol/project-saved.ts';
import type { Keys } from '../base/keys.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { warning, type ForgeWarnings, type RepositoryCheck, type Switches } from '../domain/forge-repository.ts';
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
  forge: ForgeWarnings;
};

/**
 * Checks a project at its forge before it is stored, unless `check` is false: its repository, and whether what it
 * switches on can work there. Resolves to warnings; see `RepositoryCheck` and `ForgeWarnings`.
 */
export class ProjectCheck {
  readonly #deps: ProjectCheckDependencies;

  constructor(dependencies: ProjectCheckDependencies) {
    this.#deps = dependencies;
  }

  async beforeCreate(user_id: string, input: ProjectCreate): Promise<ProjectWarning[]> {
    if (input.check === false) return [];
    const { repo_url, git_token = null, git_username = null, mentions = false, follow_up = false } = input;
    const secrets = { git_token, git_username };
    return [
      ...(await this.#askRepository(user_id, repo_url, secrets)),
      ...(await this.#askSwitches(user_id, repo_url, secrets, { mentions, follow_up })),
    ];
  }

  /**
   * Checks only what the patch changes: the repository if it sets another address or credential, and the switches if it
   * sets one, or what they need. Removing a token always works.
   */
  async beforePatch(user_id: string, project_id: string, patch: ProjectPatch): Promise<ProjectWarning[]> {
    const { db, keys } = this.#deps;
    const project = requireProject(db, user_id, project_id);
    const { repo_url = project.repo_url, git_token, git_username } = patch;
    const { mentions = project.mentions, follow_up = project.follow_up } = patch;
    const changes = repo_url !== project.repo_url || typeof git_token === 'string' || typeof git_username === 'string';
    const switches = changes || git_token === null || patch.mentions === true || patch.follow_up === true;
    if (patch.check === false || !switches) return [];
    const secrets = patchedSecrets(keys, project, patch);
    return [
      ...(changes ? await this.#askRepository(user_id, repo_url, secrets) : []),
      ...(await this.#askSwitches(user_id, repo_url, secrets, { mentions, follow_up })),
    ];
  }

  async #askRepository(user_id: string, repo_url: string, secrets: GitSecrets): Promise<ProjectWarning[]> {
    const credential = await gitCredential(this.#deps, user_id, repo_url, secrets);
    const repository = { repo_url, credential };
    const warnings = await this.#deps.repositories.check(user_id, repository);
    return [...warnings, ...(await this.#deps.forge.aboutBranches(repository))];
  }

  /** A link that is broken, or a forge that is away, refuses no switch. */
  async #askSwitches(
    user_id: string,
    repo_url: string,
    secrets: GitSecrets,
    switches: Switches,
  ): Promise<ProjectWarning[]> {
    try {
      const credential = await gitCredential(this.#deps, user_id, repo_url, secrets);
      return await this.#deps.forge.aboutSwitches(user_id, { repo_url, credential, ...switches });
    } catch (error) {
      if (!(error instanceof ErrandError)) throw error;
      return error.code === 'forbidden' ? [warning('other', {}, error.message)] : [];
    }
  }
}

type GitSecrets = Pick<ProjectSecrets, 'git_token' | 'git_username'>;
