import { fill } from '../shapes.ts';
import { atLeast } from '../../world.ts';
import { notFound, ok, page, Refusal, repositoryOf, type Handlers } from '../call.ts';

/** Repositories: what they are, who may write there, branches and files. */
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
        // Rulesets count too, whatever they ask for.
        protected: repository.protected_branches.has(name) || repository.rules.length > 0,
        protection: { enabled: repository.protected_branches.has(name) },
        _links: { html: self, self },
        protection_url: `${self}/protection`,
      }),
    );
  },
  'GET /repos/{owner}/{repo}/rules/branches/{branch}': (call) => {
    const { rules } = repositoryOf(call);
    const { items, headers } = page(call, rules);
    return ok(
      items.map((rule) => ({
        ...(typeof rule === 'string' ? { type: rule } : rule),
        ruleset_source_type: 'Repository',
        ruleset_source: 'demo',
        ruleset_id: 1,
      })),
      headers,
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
};
