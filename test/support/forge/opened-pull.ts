import { newPull, type PullRow } from '../../../coordinator/domain/pull.ts';
import { changePull } from '../../../coordinator/forge/pulls/pull-commands.ts';
import { insertPull } from '../../../coordinator/sqlite/pulls.ts';
import type { Api } from '../api.ts';
import type { Ends } from '../folder.ts';
import { StagedErrand } from '../staged-errand.ts';
import type { StartedApi } from '../start-api.ts';
import type { GitHub } from './github/github.ts';
import { startGitHub } from './github/stand-in.ts';

/** GitHub, and the settings of a server that knows it. */
export async function gitHubOf(t: Ends): Promise<{ github: GitHub; env: Record<string, string> }> {
  const github = await startGitHub(t);
  return { github, env: { ERRAND_GITHUB_ORIGIN: github.origin, ERRAND_PRIVATE_HOSTS: github.host } };
}

/** A repository of ada's there, an errand that has succeeded in it, and its pull request, which is open. */
export async function openedPull(
  { server, api }: { server: StartedApi; api: Api },
  github: GitHub,
  { draft = false, name = 'demo' } = {},
) {
  const ada = github.world.person('ada') ?? github.world.addPerson('ada');
  const repository = await github.world.addRepository({ owner: ada, name });
  const repo_url = `${github.origin}/ada/${name}`;
  const git_token = github.apps.personalToken(ada).value;
  const project = await api.call('createProject', { body: { name, repo_url, git_token, check: false } });
  const { id } = await api.call('createTask', { body: { prompt: 'Mend it', project_id: project.id } });
  const head = `errand/${id}-mend-it`;
  const commit = await github.push(repository, head, { 'a.txt': 'a' });
  const errand = new StagedErrand(server.log, id);
  const diff_stat = { files: 1, insertions: 1, deletions: 0 };
  errand.begin();
  errand.end('succeeded', null, { summary: 'Mended.', branch: head, commit, base_commit: null, diff_stat });
  const issue = await github.openPull(repository, ada, { title: 'Mend it', body: '', head, base: 'main', draft });
  const at = new Date().toISOString();
  const wish = { task_id: id, repo_url, title: 'Mend it', head_branch: head, head_commit: commit, base_branch: 'main' };
  const row = newPull({ ...wish, draft, author: 'person' }, at);
  const url = `${repo_url}/pull/${issue.number}`;
  const opened = { state: 'open', number: issue.number, url, owner: 'ada', name, next_look_at: null } as const;
  const change = (to: Partial<PullRow>) =>
    server.log.write((tx) => changePull(tx, row.id, to, new Date().toISOString()));
  server.log.write((tx) => insertPull(tx.db, row));
  change(opened);
  return { id, commit, issue, repository, head, change };
}
