import type { Permission } from '../../../../coordinator/forge/forge.ts';
import {
  atLeast,
  type CheckRun,
  type Comment,
  type Issue,
  type Person,
  type PullIssue,
  type Repository,
  type Review,
  type ReviewComment,
  type Status,
  type Labeling,
} from '../world.ts';
import { fill, type Json } from './shapes.ts';

const STATES = { APPROVED: 'APPROVED', CHANGES_REQUESTED: 'REQUEST_CHANGES', COMMENTED: 'COMMENT' } as const;

/** Writes the stand-in's objects as Gitea's API does. */
export class Render {
  readonly #origin: string;

  constructor(origin: string) {
    this.#origin = origin;
  }

  user({ id, login, name, email }: Person): Json {
    return fill('User', { id, login, username: login, full_name: name ?? '', email: email ?? '' });
  }

  repository(repository: Repository, permission: Permission): Json {
    const { id, name, owner, private: is_private, default_branch, pushed_at, merge_methods } = repository;
    const full_name = `${owner.login}/${name}`;
    const may = (needed: Permission) => atLeast(permission, needed);
    return fill('Repository', {
      id,
      name,
      full_name,
      default_branch,
      owner: this.user(owner),
      private: is_private,
      updated_at: pushed_at,
      html_url: this.#page(repository),
      clone_url: `${this.#page(repository)}.git`,
      permissions: { admin: may('admin'), push: may('write'), pull: may('read') },
      default_merge_style: merge_methods[0] ?? 'merge',
      allow_merge_commits: merge_methods.includes('merge'),
      allow_squash_merge: merge_methods.includes('squash'),
      allow_rebase: merge_methods.includes('rebase'),
      allow_rebase_explicit: merge_methods.includes('rebase-merge'),
      allow_fast_forward_only_merge: merge_methods.includes('fast-forward-only'),
    });
  }

  issue(repository: Repository, issue: Issue): Json {
    const { id, number, body, author, state, created_at, updated_at, comments, pull } = issue;
    const html_url = this.#issuePage(repository, issue);
    const meta = pull && { merged: pull.merged, merged_at: null, draft: pull.draft, html_url };
    return fill('Issue', {
      id,
      number,
      body,
      state,
      created_at,
      updated_at,
      html_url,
      comments: comments.length,
      pull_request: meta,
      title: titleOf(issue),
      user: this.user(author),
      labels: this.labels(issue),
    });
  }

  /** The text of an entry for a label is 1 if it was added. */
  labeling({ id, label, by, at }: Labeling): Json {
    const user = this.user(by);
    const times = { created_at: at, updated_at: at };
    return fill('TimelineComment', {
      id,
      type: 'label',
      user,
      body: '1',
      label: fill('Label', { name: label }),
      ...times,
    });
  }

  labels({ labels }: Issue): Json[] {
    return labels.map((name, id) => fill('Label', { id, name }));
  }

  comment(repository: Repository, issue: Issue, { id, author, body, created_at, updated_at }: Comment): Json {
    const html_url = `${this.#issuePage(repository, issue)}#issuecomment-${id}`;
    return fill('Comment', { id, body, created_at, updated_at, html_url, user: this.user(author) });
  }

  pull(repository: Repository, issue: PullIssue): Json {
    const { id, number, body, author, state, pull, created_at, updated_at } = issue;
    const side = (ref: string, sha: string) => {
      const repo = this.repository(repository, 'read');
      return { label: ref, ref, sha, repo_id: repository.id, repo };
    };
    const html_url = this.#issuePage(repository, issue);
    return fill('PullRequest', {
      id,
      number,
      body,
      state,
      created_at,
      updated_at,
      html_url,
      draft: pull.draft,
      merged: pull.merged,
      title: titleOf(issue),
      user: this.user(author),
      labels: this.labels(issue),
      mergeable: pull.mergeable && !pull.draft,
      head: side(pull.head, pull.head_commit),
      base: side(pull.base, pull.base_commit),
    });
  }

  review(repository: Repository, pull: PullIssue, review: Review): Json {
    const { id, author, state, body, commit, submitted_at } = review;
    const comments_count = pull.pull.comments.filter(({ review_id }) => review_id === id).length;
    const html_url = `${this.#issuePage(repository, pull)}#issuecomment-${id}`;
    return fill('PullReview', {
      id,
      body,
      submitted_at,
      html_url,
      comments_count,
      commit_id: commit,
      state: STATES[state],
      user: this.user(author),
    });
  }

  reviewComment(repository: Repository, pull: PullIssue, comment: ReviewComment): Json {
    const { id, author, body, path, line, diff_hunk, commit, review_id, created_at, updated_at } = comment;
    return fill('PullReviewComment', {
      id,
      body,
      path,
      diff_hunk,
      created_at,
      updated_at,
      commit_id: commit,
      pull_request_review_id: review_id,
      position: line ?? 0,
      user: this.user(author),
      html_url: `${this.#issuePage(repository, pull)}#issuecomment-${id}`,
    });
  }

  /** A job's status has the address of its page, without a host. */
  jobStatus(repository: Repository, { id, name, status, conclusion, at, log }: CheckRun): Json {
    const failed = conclusion === 'failure' || conclusion === 'timed_out' || conclusion === 'cancelled';
    const ended = failed ? 'failure' : conclusion === 'skipped' ? 'skipped' : 'success';
    return fill('CommitStatus', {
      id,
      context: name,
      created_at: at,
      updated_at: at,
      status: status === 'completed' ? ended : 'pending',
      target_url: log === null ? '' : new URL(this.jobPage(repository, id)).pathname,
    });
  }

  status({ id, context, state, description, at }: Status): Json {
    const target_url = `https://ci.example/${id}`;
    return fill('CommitStatus', {
      id,
      context,
      target_url,
      status: state,
      description: description ?? '',
      created_at: at,
      updated_at: at,
    });
  }

  /** Each job is the only one of a run, with the same number. */
  jobPage(repository: Repository, id: number): string {
    return `${this.#page(repository)}/actions/runs/${id}/jobs/0`;
  }

  #page({ owner, name }: Repository): string {
    return `${this.#origin}/${owner.login}/${name}`;
  }

  #issuePage(repository: Repository, { number, pull }: Issue): string {
    return `${this.#page(repository)}/${pull ? 'pulls' : 'issues'}/${number}`;
  }
}

/** Whether it is a draft stands in its title. */
function titleOf({ title, pull }: Issue): string {
  return pull?.draft ? `WIP: ${title}` : title;
}
