import type { Permission } from '../../../../coordinator/forge/forge.ts';
import type { App, Installation, Token } from '../apps.ts';
import { atLeast, type Issue, type Person, type Repository } from '../world.ts';
import { fill, type Json } from './shapes.ts';

/** Writes accounts, repositories and apps as GitHub's API does. */
export class RenderBase {
  readonly #origin: string;
  readonly #api: string;

  /** `origin`: such as `http://127.0.0.1:8000`. */
  constructor(origin: string, api: string) {
    this.#origin = origin;
    this.#api = api;
  }

  user({ id, login, name, email, type }: Person): Json {
    const known = { ...(name !== null && { name }), ...(email !== null && { email }) };
    return fill('simple-user', { ...this.#userAddresses(login), id, login, ...known, type, node_id: node('U', id) });
  }

  /** The bearer's own account. */
  self({ id, login, name, email, type }: Person): Json {
    const more = { user_view_type: 'public', name, email, type };
    return fill('public-user', { ...this.#userAddresses(login), id, login, node_id: node('U', id), ...more });
  }

  #userAddresses(login: string): Json {
    // A bot's has brackets.
    const path = encodeURIComponent(login);
    return {
      url: `${this.#api}/users/${path}`,
      html_url: `${this.#origin}/${path}`,
      gravatar_id: '',
      avatar_url: `${this.#origin}/${path}.png`,
    };
  }

  organisation({ id, login }: Person): Json {
    return fill('organization-simple', { id, login, node_id: node('O', id), url: `${this.#api}/orgs/${login}` });
  }

  /** `schema`: there are several views of a repository. */
  repository(repository: Repository, permission: Permission, schema = 'repository'): Json {
    const { id, name, owner, private: is_private, default_branch, pushed_at, merge_methods } = repository;
    const full_name = `${owner.login}/${name}`;
    const may = (needed: Permission) => atLeast(permission, needed);
    return fill(schema, {
      id,
      name,
      full_name,
      node_id: node('R', id),
      owner: this.user(owner),
      private: is_private,
      visibility: is_private ? 'private' : 'public',
      default_branch,
      pushed_at,
      created_at: pushed_at,
      updated_at: pushed_at,
      topics: [],
      has_discussions: false,
      git_url: `git://forge.example/${full_name}.git`,
      url: this.repositoryUrl(repository),
      html_url: `${this.#origin}/${full_name}`,
      clone_url: `${this.#origin}/${full_name}.git`,
      permissions: {
        admin: may('admin'),
        maintain: may('admin'),
        push: may('write'),
        triage: may('write'),
        pull: true,
      },
      // Others are not told.
      ...(may('write') && {
        allow_merge_commit: merge_methods.includes('merge'),
        allow_squash_merge: merge_methods.includes('squash'),
        allow_rebase_merge: merge_methods.includes('rebase'),
      }),
    });
  }

  /** As everybody sees it. */
  app(app: App, slug = app.slug): Json {
    const { id, client_id, name, owner } = app;
    return fill('integration', {
      id,
      slug,
      client_id,
      node_id: node('A', id),
      owner: this.user(owner),
      name,
      created_at: '2026-01-01T00:00:00Z',
      updated_at: '2026-01-01T00:00:00Z',
      description: null,
      external_url: this.#origin,
      html_url: `${this.#origin}/apps/${slug}`,
      permissions: { issues: 'write', checks: 'read', metadata: 'read', contents: 'write', pull_requests: 'write' },
      events: ['issues', 'issue_comment', 'pull_request'],
    });
  }

  installation({ id, app, account, repositories, suspended_at }: Installation): Json {
    return fill('installation', {
      id,
      app_id: app.id,
      app_slug: app.slug,
      account: this.user(account),
      target_id: account.id,
      target_type: account.type,
      repository_selection: repositories === 'all' ? 'all' : 'selected',
      permissions: { issues: 'write', metadata: 'read' },
      events: ['issues'],
      access_tokens_url: `${this.#api}/app/installations/${id}/access_tokens`,
      repositories_url: `${this.#api}/installation/repositories`,
      html_url: `${this.#origin}/settings/installations/${id}`,
      single_file_name: null,
      suspended_at,
      suspended_by: null,
    });
  }

  installationToken({ value, expires_at }: Token): Json {
    return fill('installation-token', {
      token: value,
      expires_at: new Date(expires_at ?? 0).toISOString().replace(/\.\d+/, ''),
      permissions: { issues: 'write', metadata: 'read' },
      repository_selection: 'all',
    });
  }

  protected repositoryUrl({ owner, name }: Repository): string {
    return `${this.#api}/repos/${owner.login}/${name}`;
  }

  protected page({ owner, name }: Repository): string {
    return `${this.#origin}/${owner.login}/${name}`;
  }

  protected labels(repository: Repository, { labels }: Issue): Json[] {
    return labels.map((name, index) => {
      const url = `${this.repositoryUrl(repository)}/labels/${encodeURIComponent(name)}`;
      return { id: index, node_id: node('LA', index), url, name, description: null, color: 'ededed', default: false };
    });
  }

  protected reactions(): Json {
    return fill('reaction-rollup', { url: `${this.#api}/reactions` });
  }

  protected association(author: Person, { owner, permissions }: Repository): string {
    if (author === owner) return 'OWNER';
    return permissions.has(author) ? 'COLLABORATOR' : owner.members.has(author) ? 'MEMBER' : 'NONE';
  }
}

/** An id as GraphQL has them. */
export function node(kind: string, id: number, of = 0): string {
  return `${kind}_${of === 0 ? id : `${of}_${id}`}`;
}
