import { ErrandError } from '../../protocol/problem.ts';
import type { Keys } from '../base/keys.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import { createProject, patchProject, removeProject } from '../tasks/project-commands.ts';
import { projectView } from '../domain/project.ts';
import type { Signals } from '../tasks/signals.ts';
import { findProjectOf, listProjects } from '../sqlite/projects.ts';
import type { Handlers } from './bind.ts';
import { pageOf } from './page.ts';

type Projects = 'createProject' | 'listProjects' | 'getProject' | 'patchProject' | 'deleteProject';

type Deps = { log: EventLog; keys: Keys; signals: Signals };

/** Projects: repositories with their defaults and secrets. */
export function projectHandlers({ log, keys, signals }: Deps): Pick<Handlers, Projects> {
  return {
    createProject: ({ who, body, once }) =>
      once((tx) => ({ ...projectView(createProject(tx, keys, who.user_id, body)), warnings: [] })),
    listProjects: ({ who, query: { cursor, limit } }) => {
      const { items, next_cursor } = pageOf(listProjects(log.db, who.user_id, cursor, limit + 1), limit);
      return { items: items.map(projectView), next_cursor };
    },
    getProject: ({ who, params }) => {
      const project = findProjectOf(log.db, who.user_id, params.id);
      if (!project) throw new ErrandError('not_found', 'There is no such project.');
      return projectView(project);
    },
    patchProject: ({ who, params, body }) => ({
      ...projectView(log.write((tx) => patchProject(tx, keys, who.user_id, params.id, body))),
      warnings: [],
    }),
    deleteProject: ({ who, params }) => {
      log.write((tx) => removeProject(tx, signals, who.user_id, params.id));
      return undefined;
    },
  };
}
