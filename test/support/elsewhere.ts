import { findProject, insertProject } from '../../coordinator/sqlite/projects.ts';
import { insertTaskRepository, putRepositoryResult } from '../../coordinator/sqlite/task-repositories.ts';
import type { OpenForge } from '../../coordinator/forge/forge-access.ts';
import type { ProjectRow } from '../../coordinator/domain/project.ts';
import type { EventLog } from '../../coordinator/sqlite/event-log.ts';
import { newId } from '../../protocol/ids.ts';
import { taskOf } from './fixtures.ts';
import type { ForgeScene } from './forge/scene.ts';
import type { Repository } from './forge/world.ts';
import type { StagedErrand } from './staged-errand.ts';

/** A further repository. `reachable`: whether the person has a token there. */
export type Elsewhere = {
  key: string;
  repo_url: string;
  project_id: string | null;
  repository: Repository;
  forge: ForgeScene['forge'];
  client: OpenForge['client'];
  token: string;
  reachable: boolean;
};

/** Of the scene in which they are: where the errand's first project is, and who finds them. */
type Around = { log: EventLog; project_id: string; elsewhere: Map<string, Elsewhere> };

/** A repository of ada's at the forge of the scene or another, of a project with these wishes, or of none. */
export async function addElsewhere(
  scene: Around,
  { forge, client, ada }: Pick<ForgeScene, 'forge' | 'client' | 'ada'>,
  name: string,
  wishes?: Partial<Pick<ProjectRow, 'pull_requests' | 'pull_author'>>,
): Promise<Elsewhere> {
  const repository = await forge.world.addRepository({ owner: ada, name });
  const repo_url = `${client.origin}/ada/${name}.git`;
  const token = forge.apps.personalToken(ada).value;
  const own = findProject(scene.log.db, scene.project_id);
  const project_id = wishes && own ? newId() : null;
  if (project_id !== null && own)
    scene.log.write(({ db }) => insertProject(db, { ...own, id: project_id, name, repo_url, ...wishes }));
  const one: Elsewhere = { key: name, repo_url, project_id, repository, forge, client, token, reachable: true };
  scene.elsewhere.set(repo_url, one);
  return one;
}

/** Gives an errand these repositories beside its first. */
export function joinElsewhere(
  { log }: Pick<Around, 'log'>,
  { id: task_id }: StagedErrand,
  ...others: Elsewhere[]
): void {
  log.write(({ db }) => {
    for (const [i, { key, repo_url, project_id }] of others.entries())
      insertTaskRepository(db, { task_id, n: i + 1, key, repo_url, project_id, base_branch: null, work_branch: null });
  });
}

/** What the errand pushes there; call it before `work`, at whose end the errand succeeds. */
export async function pushElsewhere(
  { log }: Pick<Around, 'log'>,
  { id }: StagedErrand,
  { key, forge, repository }: Elsewhere,
): Promise<string> {
  const { branch } = taskOf(log, id);
  const commit = await forge.push(repository, branch, { 'a.txt': 'a' });
  const diff_stat = { files: 1, insertions: 1, deletions: 0 };
  const outcome = { branch, commit, base_commit: null, diff_stat };
  const diff = { diff: '', truncated: false };
  log.write(({ db }) => putRepositoryResult(db, id, key, outcome, diff, new Date().toISOString()));
  return commit;
}
