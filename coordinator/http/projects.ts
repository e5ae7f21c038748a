import { ErrandError } from '../../protocol/problem.ts';
import type { Config } from '../base/config.ts';
import type { Keys } from '../base/keys.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import { requireBudget } from '../tasks/budget-bound.ts';
import { createProject, patchProject, removeProject } from '../tasks/project-commands.ts';
import type { ProjectCheck } from '../tasks/project-check.ts';
import { projectView } from '../domain/project.ts';
import { findProjectOf, listProjects } from '../sqlite/projects.ts';
import type { Handlers } from './router.ts';
import { pageOf } from './page.ts';
import { withRepository } from './repository-input.ts';

type Projects = 'createProject' | 'listProjects' | 'getProject' | 'patchProject' | 'deleteProject';

type ProjectHandlerDependencies = {
  log: EventLog;
  keys: Keys;
  config: Pick<Config, 'member_budget_usd_max'>;
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
    createProject: ({ who, body, writeAfter }) => {
      const input = withRepository(body);
      requireBudget(log.db, config, who.user_id, input.budget_usd);
      return writeAfter(
        () => project_check.beforeCreate(who.user_id, input),
        (tx, warnings) => ({ ...projectView(createProject(tx, keys, who.user_id, input)), warnings }),
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
    patchProject: ({ who, params, body, writeAfter }) => {
      const patch = withRepository(body);
      requireBudget(log.db, config, who.user_id, patch.budget_usd);
      return writeAfter(
        () => project_check.beforePatch(who.user_id, params.id, patch),
        (tx, warnings) => ({ ...projectView(patchProject(tx, keys, who.user_id, params.id, patch)), warnings }),
      );
    },
    deleteProject: ({ who, params }) => {
      log.write((tx) => removeProject(tx, who.user_id, params.id));
      return undefined;
    },
  };
}
