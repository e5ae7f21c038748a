import type { Permission } from '../../../../coordinator/forge/forge.ts';
import type { App, Installation, Token } from './apps.ts';
import { fill, type Json } from './shapes.ts';
import type { CheckRun, Comment, Issue, Person, PullPart, Repository, Review, ReviewComment, Status } from './world.ts';
import { atLeast } from './world.ts';

/** Writes the stand-in's objects as GitHub's API does. */
export class Render {
  readonly #origin: string;
  readonly #api: string;

  /** `origin`: such as `http://127.0.0.1:8000`. */
  constructor(origin: string, api: string) {
    this.#origin = origin;
    this.#api = api;
  }

  user({ id, login, name, email, type }: Person): Json {
    return fill('simple-user', { ...this.#userAddresses(login), id, login, name, email, type, node_id: node('U', id) });
  }

  /** The bearer's own account. */
  self({ id, login, name, email, type }: Person): Json {
    const more = { user_view_type: 'public', name, email, type };
    return fill('public-user', { ...this.#userAddresses(login), id, login, node_id: node('U', id), ...more });
  }

  #userAddresses(login: string): Json {
    return {
      url: `${this.#api}/users/${login}`,
      html_url: `${this.#origin}/${login}`,
      gravatar_id: '',
      avatar_url: `${this.#origin}/${login}.png`,
    };
  }

  organisation({ id, login }: Person): Json {
    return fill('organization-simple', { id, login, node_id: node('O', id), url: `${this.#api}/orgs/${login}` });
  }

  /** `schema`: there are several views of a repository. */
  repository(repository: Repository, permission: Permission, schema = 'repository'): Json {
    const { id, name, owner, private: is_private, default_branch, pushed_at } = repository;
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
      url: this.#repositoryUrl(repository),
      html_url: `${this.#origin}/${full_name}`,
      clone_url: `${this.#origin}/${full_name}.git`,
      permissions: {
        admin: may('admin'),
        maintain: may('admin'),
        push: may('write'),
        triage: may('write'),
        pull: true,
      },
    });
  }

  comment(repository: Repository, { number }: Issue, comment: Comment): Json {
    const { id, body, author, created_at, updated_at } = comment;
    return fill('issue-comment', {
      id,
      node_id: node('IC', id),
      body,
      user: this.user(author),
      author_association: this.#association(author, repository),
      created_at,
      updated_at,
      url: `${this.#repositoryUrl(repository)}/issues/comments/${id}`,
      html_url: `${this.#page(repository)}/issues/${number}#issuecomment-${id}`,
      issue_url: `${this.#repositoryUrl(repository)}/issues/${number}`,
      reactions: this.#reactions(),
    });
  }

  reviewComment(repository: Repository, { number }: Issue, comment: ReviewComment): Json {
    const { id, body, author, path, line, start_line, diff_hunk, commit, review_id, in_reply_to } = comment;
    const pull_url = `${this.#repositoryUrl(repository)}/pulls/${number}`;
    const html_url = `${this.#page(repository)}/pull/${number}#discussion_r${id}`;
    const url = `${this.#repositoryUrl(repository)}/pulls/comments/${id}`;
    return fill('pull-request-review-comment', {
      id,
      node_id: node('PRRC', id),
      body,
      user: this.user(author),
      author_association: this.#association(author, repository),
      path,
      line,
      start_line,
      original_line: line ?? 1,
      original_start_line: start_line,
      start_side: start_line === null ? null : 'RIGHT',
      side: 'RIGHT',
      subject_type: line === null ? 'file' : 'line',
      position: line,
      original_position: line ?? 1,
      diff_hunk,
      commit_id: commit,
      original_commit_id: commit,
      pull_request_review_id: review_id,
      ...(in_reply_to && { in_reply_to_id: in_reply_to.id }),
      created_at: comment.created_at,
      updated_at: comment.updated_at,
      url,
      html_url,
      pull_request_url: pull_url,
      _links: { self: { href: url }, html: { href: html_url }, pull_request: { href: pull_url } },
      reactions: this.#reactions(),
    });
  }

  review(repository: Repository, { number }: Issue, review: Review): Json {
    const { id, author, state, body, commit, submitted_at } = review;
    const html_url = `${this.#page(repository)}/pull/${number}#pullrequestreview-${id}`;
    const pull_request_url = `${this.#repositoryUrl(repository)}/pulls/${number}`;
    return fill('pull-request-review', {
      id,
      node_id: node('PRR', id),
      user: this.user(author),
      author_association: this.#association(author, repository),
      state,
      body,
      commit_id: commit,
      submitted_at,
      html_url,
      pull_request_url,
      _links: { html: { href: html_url }, pull_request: { href: pull_request_url } },
    });
  }

  issue(repository: Repository, issue: Issue): Json {
    const { id, number, title, body, author, state, created_at, updated_at, pull } = issue;
    const url = `${this.#repositoryUrl(repository)}/issues/${number}`;
    const pull_url = `${this.#repositoryUrl(repository)}/pulls/${number}`;
    const html_url = `${this.#page(repository)}/${pull ? 'pull' : 'issues'}/${number}`;
    return fill('issue', {
      id,
      node_id: node('I', id),
      number,
      title,
      body,
      state,
      user: this.user(author),
      labels: this.#labels(repository, issue),
      author_association: this.#association(author, repository),
      comments: issue.comments.length,
      created_at,
      updated_at,
      url,
      html_url,
      repository_url: this.#repositoryUrl(repository),
      comments_url: `${url}/comments`,
      events_url: `${url}/events`,
      labels_url: `${url}/labels{/name}`,
      reactions: this.#reactions(),
      ...(pull && {
        pull_request: { url: pull_url, html_url, diff_url: `${html_url}.diff`, patch_url: `${html_url}.patch` },
      }),
    });
  }

  /** `schema`: lists have a shorter form. The repository's own branch is the head. */
  pull(repository: Repository, issue: Issue & { pull: PullPart }, schema = 'pull-request'): Json {
    const { id, number, title, body, author, state, pull, created_at, updated_at } = issue;
    const url = `${this.#repositoryUrl(repository)}/pulls/${number}`;
    const html_url = `${this.#page(repository)}/pull/${number}`;
    const side = (ref: string, sha: string) => ({
      label: `${repository.owner.login}:${ref}`,
      ref,
      sha,
      user: this.user(repository.owner),
      repo: this.repository(repository, 'read'),
    });
    const addresses = { url, html_url, diff_url: `${html_url}.diff`, patch_url: `${html_url}.patch` };
    const whole = { merged: pull.merged, mergeable: !pull.merged, mergeable_state: 'clean', merged_by: null };
    return fill(schema, {
      id,
      node_id: node('PR', number, repository.id),
      number,
      title,
      body,
      state,
      draft: pull.draft,
      user: this.user(author),
      labels: this.#labels(repository, issue),
      author_association: this.#association(author, repository),
      created_at,
      updated_at,
      closed_at: state === 'closed' ? updated_at : null,
      merged_at: pull.merged ? updated_at : null,
      ...addresses,
      issue_url: `${this.#repositoryUrl(repository)}/issues/${number}`,
      head: side(pull.head, pull.head_commit),
      base: side(pull.base, pull.base_commit),
      _links: Object.fromEntries(
        ['comments', 'commits', 'statuses', 'html', 'issue', 'review_comments', 'review_comment', 'self'].map(
          (link) => [link, { href: url }],
        ),
      ),
      ...(schema === 'pull-request' && whole),
    });
  }

  check(repository: Repository, check: CheckRun, app: App): Json {
    const { id, name, commit, status, conclusion, at, log } = check;
    return fill('check-run', {
      id,
      node_id: node('CR', id),
      name,
      head_sha: commit,
      status,
      conclusion,
      started_at: at,
      completed_at: status === 'completed' ? at : null,
      external_id: '',
      url: `${this.#repositoryUrl(repository)}/check-runs/${id}`,
      html_url: `${this.#page(repository)}/actions/runs/1/job/${id}`,
      // Only jobs of GitHub Actions have a log.
      details_url: log === null ? 'https://ci.example/build/1' : `${this.#page(repository)}/actions/runs/1/job/${id}`,
      check_suite: { id: 1 },
      app: this.app(app, log === null ? app.slug : 'github-actions'),
      pull_requests: [],
      output: { title: null, summary: null, text: null, annotations_count: 0, annotations_url: this.#api },
    });
  }

  status(repository: Repository, { id, context, state, description, at }: Status): Json {
    return fill('simple-commit-status', {
      id,
      node_id: node('SC', id),
      context,
      state,
      description,
      target_url: `${this.#page(repository)}/status/${id}`,
      gravatar_id: '',
      avatar_url: null,
      url: `${this.#repositoryUrl(repository)}/statuses/${id}`,
      created_at: at,
      updated_at: at,
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

  installation({ id, app, account, repositories }: Installation): Json {
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
      suspended_at: null,
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

  #repositoryUrl({ owner, name }: Repository): string {
    return `${this.#api}/repos/${owner.login}/${name}`;
  }

  #page({ owner, name }: Repository): string {
    return `${this.#origin}/${owner.login}/${name}`;
  }

  #labels(repository: Repository, { labels }: Issue): Json[] {
    return labels.map((name, index) => {
      const url = `${this.#repositoryUrl(repository)}/labels/${encodeURIComponent(name)}`;
      return { id: index, node_id: node('LA', index), url, name, description: null, color: 'ededed', default: false };
    });
  }

  #reactions(): Json {
    return fill('reaction-rollup', { url: `${this.#api}/reactions` });
  }

  #association(author: Person, { owner, permissions }: Repository): string {
    if (author === owner) return 'OWNER';
    return permissions.has(author) ? 'COLLABORATOR' : owner.members.has(author) ? 'MEMBER' : 'NONE';
  }
}

/** An id as GraphQL has them. */
export function node(kind: string, id: number, of = 0): string {
  return `${kind}_${of === 0 ? id : `${of}_${id}`}`;
}
