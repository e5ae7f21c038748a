import type { TaskCreate } from '../../protocol/api.ts';
import type { RepositoryChoice } from '../../protocol/repositories.ts';
import type { ROUTES } from '../../protocol/routes.ts';
import type { Task } from '../../protocol/task.ts';
import type { Keys } from '../base/keys.ts';
import { prefixFields } from '../base/prefix-fields.ts';
import type { RepositoryCheck } from '../domain/forge-repository.ts';
import type { TaskRow } from '../domain/task.ts';
import type { ForgeAccess } from '../forge/forge-access.ts';
import { findWorkBranch } from '../forge/work-branch.ts';
import type { Db } from '../sqlite/database.ts';
import type { EventLog, Tx } from '../sqlite/event-log.ts';
import { findProjectOf } from '../sqlite/projects.ts';
import { projectOfRepository } from '../tasks/project-of-repository.ts';
import { createTask, type TaskDefaults } from '../tasks/task-commands.ts';
import type { Call } from './call.ts';
import type { JsonText } from './json-text.ts';
import { withRepositories } from './repository-input.ts';

type CreateCall = Pick<Call<(typeof ROUTES)['createTask']>, 'who' | 'body' | 'writeAfter' | 'audit'>;

type Dependencies = {
  log: EventLog;
  keys: Keys;
  server: TaskDefaults;
  repositories: Pick<RepositoryCheck, 'checkHost'>;
  forges: ForgeAccess;
  /** The task as its owner sees it. */
  seenOne: (task: TaskRow) => Task;
};

/** Creates a task, once the hosts and branches of its repositories were checked. */
export function newTaskHandler({ log, keys, server, repositories, forges, seenOne }: Dependencies) {
  const { db } = log;
  return ({ who, body, writeAfter, audit }: CreateCall): Promise<Task | JsonText> => {
    const { make_project = false, continue_pull, ...input } = withRepositories(body);
    const check = async (choice: RepositoryChoice, pull?: number) => {
      if (choice.repo_url !== undefined) await repositories.checkHost(choice.repo_url);
      return findWorkBranch(forges, repositoryOf(db, who.user_id, choice), { ...choice, continue_pull: pull });
    };
    const prepare = async () => {
      for (const [index, other] of (input.repositories ?? []).entries())
        await check(other).catch((error: unknown) => {
          throw prefixFields(error, `/repositories/${index}`);
        });
      return check(input, continue_pull);
    };
    return writeAfter(prepare, (tx, work_branch) => {
      const placed = make_project ? inProject(tx, { keys, who, audit }, input) : input;
      return seenOne(createTask(tx, server, who.user_id, { ...placed, work_branch }));
    });
  };
}

/** Where a task of this person is to work; undefined: they have no such project. */
function repositoryOf(db: Db, user_id: string, { project_id, repo_url }: Pick<TaskCreate, 'project_id' | 'repo_url'>) {
  const address = repo_url ?? findProjectOf(db, user_id, project_id ?? '')?.repo_url;
  return address === undefined ? undefined : { user_id, project_id: project_id ?? null, repo_url: address };
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
  if (made) audit(tx, { action: 'project.created', subject: project_id, detail: { name, repo_url } });
  return { ...input, repo_url: undefined, project_id };
}
