import { atLeast } from '../world.ts';
import { actor, notFound, page, repositoryOf, type Handler } from './call.ts';
import { fill } from './shapes.ts';

/** Accounts, repositories, branches, files, statuses and the logs of jobs. */
export const repositories: Record<string, Handler> = {
  'GET /user': (call) => ({ status: 200, shape: 'User', body: call.gitea.render.user(actor(call)) }),
  'GET /repos/search': (call) => {
    const { world, apps, render } = call.gitea;
    const uid = Number(call.query.get('uid'));
    const word = (call.query.get('q') ?? '').toLowerCase();
    const all = world.repositories
      .filter((one) => atLeast(apps.permission(call.token, one), 'read') && one.name.toLowerCase().includes(word))
      .filter((one) => one.owner.id === uid || [...one.permissions.keys()].some(({ id }) => id === uid))
      .sort((one, other) => other.pushed_at.localeCompare(one.pushed_at));
    const { items, headers } = page(call, all);
    const data = items.map((one) => render.repository(one, apps.permission(call.token, one)));
    return { status: 200, shape: 'Search', body: { ok: true, data }, headers };
  },
  'GET /repos/{owner}/{repo}': (call) => {
    const repository = repositoryOf(call);
    const body = call.gitea.render.repository(repository, call.gitea.apps.permission(call.token, repository));
    return { status: 200, shape: 'Repository', body };
  },
  'GET /repos/{owner}/{repo}/collaborators/{collaborator}/permission': (call) => {
    const { world, render } = call.gitea;
    const person = world.person(call.params['collaborator'] ?? '');
    // Collaborators can ask about themselves only.
    const repository = repositoryOf(call, person !== undefined && call.token?.person === person ? 'read' : 'admin');
    if (person === undefined) throw notFound();
    const permission = person === repository.owner ? 'owner' : world.permission(person, repository);
    return {
      status: 200,
      shape: 'Collaborator',
      body: { permission, role_name: permission, user: render.user(person) },
    };
  },
  'GET /repos/{owner}/{repo}/branches/{branch}': async (call) => {
    const repository = repositoryOf(call);
    const name = call.params['branch'] ?? '';
    const id = await call.gitea.world.branch(repository, name);
    if (id === undefined) throw notFound();
    const body = { name, commit: fill('PayloadCommit', { id }), protected: repository.protected_branches.has(name) };
    return { status: 200, shape: 'Branch', body: fill('Branch', body) };
  },
  'GET /repos/{owner}/{repo}/compare/{basehead}': async (call) => {
    const repository = repositoryOf(call);
    const [base = '', head = ''] = (call.params['basehead'] ?? '').split('...');
    const total_commits = await call.gitea.world.countAhead(repository, base, head);
    return { status: 200, shape: 'Compare', body: { total_commits } };
  },
  'GET /repos/{owner}/{repo}/contents/{path}': async (call) => {
    const path = call.params['path'] ?? '';
    const repository = repositoryOf(call);
    const folder = await call.gitea.world.listFolder(repository, path);
    if (folder !== undefined) {
      const body = folder.map((entry) => fill('Contents', { ...entry, path: `${path}/${entry.name}` }));
      return { status: 200, shape: 'Contents[]', body };
    }
    const text = await call.gitea.world.file(repository, path);
    if (text === undefined) throw notFound();
    const bytes = Buffer.from(text);
    const file = { type: 'file', encoding: 'base64', content: bytes.toString('base64'), size: bytes.length };
    return { status: 200, shape: 'Contents', body: fill('Contents', { ...file, path, name: path.split('/').at(-1) }) };
  },
  'GET /repos/{owner}/{repo}/commits/{ref}/status': (call) => {
    const repository = repositoryOf(call);
    const { render } = call.gitea;
    const of = ({ commit }: { commit: string }) => commit === call.params['ref'];
    const all = [
      ...repository.checks.filter(of).map((one) => render.jobStatus(repository, one)),
      ...repository.statuses.filter(of).map((one) => render.status(one)),
    ];
    // The newest of each context counts.
    const newest = [...new Map(all.map((one) => [one['context'], one])).values()];
    // It has no link to its next page.
    const statuses = page(call, newest).items;
    const body = { sha: call.params['ref'], state: 'pending', total_count: statuses.length };
    const whole = {
      ...body,
      statuses: statuses.length > 0 ? statuses : null,
      repository: render.repository(repository, 'read'),
    };
    return { status: 200, shape: 'CombinedStatus', body: fill('CombinedStatus', whole) };
  },
  'GET /repos/{owner}/{repo}/actions/runs': (call) => {
    const repository = repositoryOf(call);
    const jobs = repository.checks.filter(({ commit, log }) => commit === call.query.get('head_sha') && log !== null);
    const { items, headers } = page(call, jobs);
    const runs = items.map(({ id, commit }) => {
      const html_url = call.gitea.render.jobPage(repository, id).replace(/\/jobs\/0$/, '');
      return fill('Run', { id, html_url, head_sha: commit, status: 'completed' });
    });
    return { status: 200, shape: 'Runs', body: { workflow_runs: runs, total_count: jobs.length }, headers };
  },
  'GET /repos/{owner}/{repo}/actions/runs/{run}/jobs': (call) => {
    const repository = repositoryOf(call);
    const jobs = repository.checks
      .filter(({ id }) => String(id) === call.params['run'])
      .map(({ id, name, commit }) => {
        const html_url = call.gitea.render.jobPage(repository, id);
        return fill('Job', { id, name, html_url, run_id: id, head_sha: commit, status: 'completed' });
      });
    return { status: 200, shape: 'Jobs', body: { jobs, total_count: jobs.length } };
  },
  'GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs': (call) => {
    const check = repositoryOf(call).checks.find(({ id }) => String(id) === call.params['job_id']);
    if (check === undefined || check.log === null) throw notFound();
    return { status: 200, body: check.log };
  },
};
