import type { TaskCreate } from '../../protocol/api.ts';
import type { ROUTES } from '../../protocol/routes.ts';
import type { Task } from '../../protocol/task.ts';
import type { Keys } from '../base/keys.ts';
import type { TaskRow } from '../domain/task.ts';
import type { EventLog, Tx } from '../sqlite/event-log.ts';
import { projectOfRepository } from '../tasks/project-of-repository.ts';
import { createTask, type TaskDefaults } from '../tasks/task-commands.ts';
import type { Call } from './call.ts';
import { checkFurther, checkRepository, type RepositoryChecks } from './check-repositories.ts';
import type { JsonText } from './json-text.ts';
import { requireScope } from './require-scope.ts';
import { withRepositories } from './repository-input.ts';

type CreateCall = Pick<Call<(typeof ROUTES)['createTask']>, 'who' | 'body' | 'writeAfter' | 'audit'>;

type Dependencies = Omit<RepositoryChecks, 'db'> & {
  log: EventLog;
  keys: Keys;
  server: TaskDefaults;
  /** The task as its owner sees it. */
  seenOne: (task: TaskRow) => Task;
};

/** Creates a task, once the hosts and branches of its repositories were checked. */
export function newTaskHandler({ log, keys, server, seenOne, ...parts }: Dependencies) {
  const checks = { ...parts, db: log.db };
  return ({ who, body, writeAfter, audit }: CreateCall): Promise<Task | JsonText> => {
    const { make_project = false, ...input } = withRepositories(body);
    const prepare = async () => {
      await checkFurther(checks, who.user_id, input.repositories);
      return checkRepository(checks, who.user_id, input, input.continue_pull);
    };
    return writeAfter(prepare, (tx, work_branch) => {
      const placed = make_project ? inProject(tx, { keys, who, audit }, input) : input;
      return seenOne(createTask(tx, server, who.user_id, { ...placed, work_branch }));
    });
  };
}

/** The same errand in the person's project of its repository, which is made if there is none. */
function inProject(
  tx: Tx,
  { keys, who, audit }: Pick<CreateCall, 'who' | 'audit'> & { keys: Keys },
  input: TaskCreate,
): TaskCreate {
  if (input.repo_url === undefined) return input;
  const { project, made } = projectOfRepository(tx, keys, who.user_id, input.repo_url);
  const { id: project_id, name, repo_url } = project;
  if (made) {
    requireScope(who, 'projects', 'You have no project of this repository yet, and making one');
    audit(tx, { action: 'project.created', subject: project_id, detail: { name, repo_url } });
  }
  return { ...input, repo_url: undefined, project_id };
}
