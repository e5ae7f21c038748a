import { fill } from '../shapes.ts';
import { atLeast } from '../../world.ts';
import { notFound, ok, Refusal, repositoryOf, type Handlers } from '../call.ts';

/** Repositories: what they are, who may write there, branches, files, checks and their logs. */
export const repositories: Handlers = {
  'GET /repos/{owner}/{repo}': (call) => {
    const repository = repositoryOf(call);
    const { render, apps } = call.github;
    return ok(render.repository(repository, apps.permission(call.token, repository), 'full-repository'));
  },
  'GET /repos/{owner}/{repo}/collaborators/{username}/permission': (call) => {
    const repository = repositoryOf(call, 'write');
    const { world, render } = call.github;
    const person = world.person(call.params['username'] ?? '');
    if (person === undefined) throw notFound();
    const permission = world.permission(person, repository);
    const may = (needed: 'write' | 'admin') => atLeast(permission, needed);
    const permissions = {
      pull: true,
      triage: may('write'),
      push: may('write'),
      maintain: may('admin'),
      admin: may('admin'),
    };
    const user = { ...render.user(person), permissions, role_name: permission };
    return ok({ permission, role_name: permission, user: fill('collaborator', user) });
  },
  'GET /repos/{owner}/{repo}/branches/{branch}': async (call) => {
    const repository = repositoryOf(call);
    const { world, api } = call.github;
    const name = call.params['branch'] ?? '';
    const sha = await world.branch(repository, name);
    if (sha === undefined) throw new Refusal(404, 'Branch not found');
    const self = `${api}/repos/${repository.owner.login}/${repository.name}/branches/${name}`;
    return ok(
      fill('branch-with-protection', {
        name,
        commit: fill('commit', { sha }),
        protected: repository.protected_branches.has(name),
        _links: { html: self, self },
        protection_url: `${self}/protection`,
      }),
    );
  },
  'GET /repos/{owner}/{repo}/contents/{path}': async (call) => {
    const repository = repositoryOf(call);
    const path = call.params['path'] ?? '';
    const { world, api } = call.github;
    const url = `${api}/repos/${repository.owner.login}/${repository.name}/contents/${path}`;
    const folder = await world.listFolder(repository, path);
    if (folder !== undefined)
      return ok(
        folder.map((entry) => {
          const nowhere = { git_url: null, html_url: null, download_url: null };
          const own = `${url}/${entry.name}`;
          const links = { self: own, git: null, html: null };
          return { ...entry, path: `${path}/${entry.name}`, sha: '', size: 0, url: own, ...nowhere, _links: links };
        }),
      );
    const text = await world.file(repository, path);
    if (text === undefined) throw notFound();
    const bytes = Buffer.from(text);
    return ok(
      fill('content-file', {
        type: 'file',
        encoding: 'base64',
        size: bytes.length,
        name: path.split('/').at(-1),
        path,
        content: bytes.toString('base64').replaceAll(/.{60}/g, '$&\n'),
        url,
        _links: { self: url, git: null, html: null },
      }),
    );
  },
  'GET /repos/{owner}/{repo}/commits/{ref}/check-runs': (call) => {
    const repository = repositoryOf(call);
    const runs = repository.checks.filter(({ commit }) => commit === call.params['ref']);
    const { render, check_app } = call.github;
    return ok({ total_count: runs.length, check_runs: runs.map((run) => render.check(repository, run, check_app)) });
  },
  'GET /repos/{owner}/{repo}/commits/{ref}/status': (call) => {
    const repository = repositoryOf(call);
    const all = repository.statuses.filter(({ commit }) => commit === call.params['ref']);
    // The newest of each context counts.
    const statuses = [...new Map(all.map((one) => [one.context, one])).values()];
    const failed = statuses.some(({ state }) => state === 'failure' || state === 'error');
    const passed = statuses.length > 0 && statuses.every(({ state }) => state === 'success');
    const { render } = call.github;
    return ok(
      fill('combined-commit-status', {
        sha: call.params['ref'],
        state: failed ? 'failure' : passed ? 'success' : 'pending',
        total_count: statuses.length,
        statuses: statuses.map((one) => render.status(repository, one)),
        repository: render.repository(repository, 'read', 'minimal-repository'),
      }),
    );
  },
  'GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs': (call) => {
    const repository = repositoryOf(call);
    const check = repository.checks.find(({ id }) => String(id) === call.params['job_id']);
    if (check === undefined || check.log === null) throw notFound();
    return { status: 302, headers: { location: call.github.logUrl(check) } };
  },
};
