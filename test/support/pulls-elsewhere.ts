import { findProject, insertProject } from '../../coordinator/sqlite/projects.ts';
import { insertTaskRepository, putRepositoryResult } from '../../coordinator/sqlite/task-repositories.ts';
import { newId } from '../../protocol/ids.ts';
import { taskOf } from './fixtures.ts';
import type { ForgeScene } from './forge/scene.ts';
import type { Elsewhere, PullsScene, Wishes } from './pulls-scene.ts';
import type { StagedErrand } from './staged-errand.ts';

/** A repository of ada's at this forge or another, of the project with these wishes, or of none. */
export async function addElsewhere(
  scene: PullsScene,
  { forge, client, ada }: Pick<ForgeScene, 'forge' | 'client' | 'ada'>,
  name: string,
  wishes?: Wishes,
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
export function also(scene: PullsScene, errand: StagedErrand, ...others: Elsewhere[]): void {
  scene.log.write(({ db }) => {
    for (const [i, { key, repo_url, project_id }] of others.entries())
      insertTaskRepository(db, {
        task_id: errand.id,
        n: i + 1,
        key,
        repo_url,
        project_id,
        base_branch: null,
        work_branch: null,
      });
  });
}

/** What the errand pushes there; call it before `work`, at whose end the errand succeeds. */
export async function pushElsewhere(
  scene: PullsScene,
  errand: StagedErrand,
  { key, forge, repository }: Elsewhere,
  file = 'a.txt',
): Promise<string> {
  const { branch } = taskOf(scene.log, errand.id);
  const commit = await forge.push(repository, branch, { [file]: file });
  const diff_stat = { files: 1, insertions: 1, deletions: 0 };
  const outcome = { branch, commit, base_commit: null, diff_stat };
  scene.log.write(({ db }) =>
    putRepositoryResult(db, errand.id, key, outcome, { diff: '', truncated: false }, new Date().toISOString()),
  );
  return commit;
}
