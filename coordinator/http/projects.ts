import type { ProjectPatch } from '../../protocol/api.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { ProjectSaved, ProjectWarning } from '../../protocol/project-saved.ts';
import type { Config } from '../base/config.ts';
import type { Keys } from '../base/keys.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import { requireBudget } from '../tasks/budget-bound.ts';
import { requireImage } from '../tasks/require-image.ts';
import { createProject, patchProject, removeProject } from '../tasks/project-commands.ts';
import type { ProjectCheck } from '../tasks/project-check.ts';
import { projectView, type ProjectRow } from '../domain/project.ts';
import { findProjectOf, listProjects } from '../sqlite/projects.ts';
import type { Handlers } from './router.ts';
import { pageOf } from './page.ts';
import { withRepository } from './repository-input.ts';

type Projects = 'createProject' | 'listProjects' | 'getProject' | 'patchProject' | 'deleteProject';

type ProjectHandlerDependencies = {
  log: EventLog;
  keys: Keys;
  config: Pick<Config, 'member_budget_usd_max' | 'worker_images'>;
  project_check: ProjectCheck;
};

/** Projects: repositories with their defaults and secrets. */
export function projectHandlers({
  log,
  keys,
  config,
  project_check,
}: ProjectHandlerDependencies): Pick<Handlers, Projects> {
  return {
    createProject: ({ who, body, writeAfter, audit }) => {
      const input = withRepository(body);
      requireBudget(log.db, config, who.user_id, input.budget_usd);
      requireImage(config, input.image);
      return writeAfter(
        () => project_check.beforeCreate(who.user_id, input),
        (tx, warnings) => {
          const project = createProject(tx, keys, who.user_id, input);
          const { id, name, repo_url } = project;
          audit(tx, { action: 'project.created', subject: id, detail: { name, repo_url } });
          if (setsSecrets(input)) audit(tx, { action: 'secrets.set', subject: id, detail: secretsOf(project) });
          return savedView(project, warnings);
        },
      );
    },
    listProjects: ({ who, query: { cursor, limit } }) => {
      const { items, next_cursor } = pageOf(listProjects(log.db, who.user_id, cursor, limit + 1), limit);
      return { items: items.map(projectView), next_cursor };
    },
    getProject: ({ who, params }) => {
      const project = findProjectOf(log.db, who.user_id, params.id);
      if (!project) throw new ErrandError('not_found', 'There is no such project.');
      return projectView(project);
    },
    patchProject: ({ who, params, body, writeAfter, audit }) => {
      const patch = withRepository(body);
      requireBudget(log.db, config, who.user_id, patch.budget_usd);
      requireImage(config, patch.image);
      return writeAfter(
        () => project_check.beforePatch(who.user_id, params.id, patch),
        (tx, warnings) => {
          const project = patchProject(tx, keys, who.user_id, params.id, patch);
          audit(tx, { action: 'project.changed', subject: project.id, detail: { fields: Object.keys(body) } });
          if (setsSecrets(patch)) audit(tx, { action: 'secrets.set', subject: project.id, detail: secretsOf(project) });
          return savedView(project, warnings);
        },
      );
    },
    deleteProject: ({ who, params, audit }) => {
      log.write((tx) => {
        removeProject(tx, who.user_id, params.id);
        audit(tx, { action: 'project.removed', subject: params.id });
      });
      return undefined;
    },
  };
}

function savedView(project: ProjectRow, warnings: ProjectWarning[]): ProjectSaved {
  return { ...projectView(project), warnings: warnings.map(({ text }) => text), coded_warnings: warnings };
}

/** Whether a request sets or removes something that a project keeps secret. */
function setsSecrets({ git_token, git_username, secrets }: ProjectPatch): boolean {
  return git_token !== undefined || git_username !== undefined || secrets !== undefined;
}

/** What a project keeps secret from now on, without the values. */
function secretsOf({ secret_names, has_git_token }: ProjectRow): Record<string, unknown> {
  return { names: secret_names, git_token: has_git_token };
}
